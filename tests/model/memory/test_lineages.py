"""A replay and a fork write what Lords remember as in the model: marks, rewinds and copies under the guards of it."""

import re
from collections.abc import Iterator
from itertools import groupby

import pytest
from sqlalchemy import event

from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES, TASKS
from questline_persistence.schema import table_of, tables_of
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import event as said
from tests.contract.lessons import lesson, outside, state, step
from tests.contract.quests import Workbench
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.model.memory.test_steps import LOCKED, changed
from tests.model.statements import conditions, sent


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()
    assert_invariants(database_url, REMEMBERED)


def remembering(bench: Workbench) -> str:
    """Lead a quest behind two steps that have written keys of two kinds, and entries of two kinds."""
    quest_id = bench.submit("a", "b", "c")
    for data in ("first", "second"):
        names = {"title": data, "description": None, "metadata": "{}"}
        task = Saves(TASKS, Key(bench.namespace, "", "t"), columns={"status": "todo"}, body=names)
        entries = (said(bench, data), lesson(bench, data))
        step(bench, quest_id, task, state(bench, data, "b"), state(bench, data, "a"), *entries)
    return quest_id


def replayed(bench: Workbench, quest_id: str) -> tuple[list[str], int]:
    """Replay a quest from its second step; return the statements and the number of commits."""
    commits: list[object] = []
    event.listen(bench.database.engine, "commit", commits.append)
    with sent(bench.database) as found:
        bench.replay(quest_id, "b")
    return [" ".join(text.split()) for text, _ in found], len(commits)


def test_a_replay_is_one_transaction_in_the_one_order_of_locks(bench: Workbench) -> None:
    texts, commits = replayed(bench, remembering(bench))

    kinds = [LOCKED[table] for text in texts for table in changed(text) if table in LOCKED]
    tables = [table for table, _ in groupby(table for text in texts for table in changed(text))]
    heads = [table for table in tables if table in {"agent_states", "tasks"}]
    entries = [table for table in tables if table in {"events", "memories"}]
    assert commits == 1
    assert kinds == sorted(kinds)
    assert (heads, entries) == (["agent_states"] * 2 + ["tasks"], ["events", "memories"])


def test_a_replay_locks_heads_and_entries_by_their_bytes(bench: Workbench) -> None:
    texts, _ = replayed(bench, remembering(bench))

    for table, name in (("agent_states", "agent_id"), ("tasks", "task_id"), ("memories", "memory_id")):
        ordered = [text for text in texts if re.search(rf"SELECT {table}\.id FROM", text) and "ORDER BY" in text]
        (order,) = {re.search(r"ORDER BY ([^)]*?)(?: FOR UPDATE|\)|$)", text)[1] for text in ordered}  # type: ignore[index]
        columns = [f"{table}.{column}" for column in ("namespace", "key_prefix", name)]
        assert [part.partition(" ")[0] for part in order.split(", ")] == columns
        if bench.database.dialect.name == "postgresql":
            assert all("FOR UPDATE" in text for text in ordered)
            assert order.count('COLLATE "C"') == len(columns)


@pytest.mark.parametrize("table", [tables_of(AGENT_STATES).versions, table_of(EVENTS), table_of(MEMORIES)], ids=str)
def test_marks_are_made_and_taken_by_what_counts(bench: Workbench, table: object) -> None:
    """Guards of the model: replay.marks, replay.revives."""
    texts, _ = replayed(bench, remembering(bench))

    (marking,) = [text for text in texts if f"UPDATE {table} SET abandoned_by" in text]
    asked = {re.sub(r" .*", "", each) for each in conditions(marking, str(table))}
    assert {"quest_id", "quest_version"} <= asked
    counting = re.escape(f"{table}.epoch = counted.epoch AND {table}.quest_version <= counted.newest")
    counts = rf"\(EXISTS \(SELECT .+? WHERE {counting}\)"
    assert re.search(rf"CASE WHEN {counts}\) THEN NULL ELSE \S+ END", marking)
    assert re.search(rf"\({table}\.abandoned_by IS NULL\) != {counts}", marking)


def test_a_key_goes_back_from_the_version_that_was_looked_at(bench: Workbench) -> None:
    """Guards of the model: replay.rewinds, replay.newest, replay.counts, replay.origin."""
    quest_id = remembering(bench)
    outside(bench, state(bench, "third", "b"))
    texts, _ = replayed(bench, quest_id)

    rewinding = [text for text in texts if "UPDATE agent_states AS h" in text]
    assert len(rewinding) == 1, "b is somebody else's"
    asked = {
        each.partition(" ")[0]
        for each in conditions(rewinding[0][rewinding[0].index("UPDATE") :].partition(" RETURNING")[0], "h")
    }
    assert {"namespace", "key_prefix", "agent_id", "version"} <= asked
    versions = [row for row in bench.rows(tables_of(AGENT_STATES).versions, quest_id) if row.op == "rewind"]
    assert [(row.agent_id, row.body_version, row.epoch, row.quest_version) for row in versions] == [("a", 1, 1, 3)]


def test_a_fork_writes_no_row_that_is_there(bench: Workbench) -> None:
    """Guards of the model: fork.own, fork.shared, fork.added."""
    quest_id = remembering(bench)
    with sent(bench.database) as found:
        fork = bench.fork(quest_id, "b")

    memory = {"agent_states", "agent_state_versions", "events", "memories", "tasks", "task_versions"}
    written = {(table, text.split()[0]) for text, _ in found for table in changed(text) if table in memory}
    assert {table for table, _ in written} == memory - {"memories"}
    assert not [text for text, _ in found if re.match(r"UPDATE \w+ SET abandoned_by", text)]
    owners = bench.database.read(
        lambda connection: connection.exec_driver_sql("SELECT agent_id, owner FROM agent_states ORDER BY 1").all()
    )
    assert sorted(map(tuple, owners), key=str) == sorted(
        [("a", None), ("b", None), (f"{fork}/a", fork), (f"{fork}/b", fork)], key=str
    )
