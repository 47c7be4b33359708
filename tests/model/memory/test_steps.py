"""A step that writes does so as in the model: under its claim, in one transaction and in the one order of locks."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

import pytest
from sqlalchemy import event

from questline_persistence.claims import Checkpoint, Succeeded
from questline_persistence.kinds import AGENT_STATES, ENTRIES, EVENTS, MEMORIES, RUNS, SESSIONS, VERSIONED
from questline_persistence.schema import runs, table_of, tables_of
from questline_persistence.writes import Enters, Key, Moved, Remembered, Saves
from tests.contract.quests import Workbench, checkpoint
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.model.memory.locks import Kind
from tests.model.statements import sent

#: Which lock comes with a row of a table; others' rows have none that anybody waits for.
LOCKED = {
    "tickets": Kind.TICKET,
    "quest_executions": Kind.QUEST,
    **{kind.heads: Kind.HEAD for kind in VERSIONED},
    **{kind.table: Kind.ENTRY for kind in ENTRIES if kind.stream is None},
}


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()
    assert_invariants(database_url, REMEMBERED)


def writes(bench: Workbench, expected: int = 0) -> tuple[Remembered, ...]:
    """Return a write of every sort, the last to be locked first."""
    memory = {"context": "c", "lesson": "l", "confidence": 0}
    said = {"event_type": "said", "actor_type": "agent", "content": ""}
    session, agent = Key(bench.namespace, "", "b"), Key(bench.namespace, "", "z")
    return (
        Enters(RUNS, bench.namespace, "", "a", {"plan_id": "p", "plan_result": "{}", "execution_result": "{}"}),
        Enters(MEMORIES, bench.namespace, "", "b", memory),
        Enters(EVENTS, bench.namespace, "", "c", said, stream="a"),
        Saves(SESSIONS, session, columns={"status": "pending"}, body={"state_json": "{}"}, expected=expected),
        Saves(AGENT_STATES, agent, columns={"status": "idle"}, body={"state_data": "{}", "metadata": "{}"}),
    )


def end(bench: Workbench, *also: Remembered) -> Checkpoint[Succeeded]:
    ended = checkpoint(bench.claim(bench.submit("a", "b")))
    return replace(ended, outcome=Succeeded("null", also))


def test_all_that_a_step_writes_is_one_transaction_under_its_claim(bench: Workbench) -> None:
    with sent(bench.database) as plain:  # whose guard is compared with the model's elsewhere
        assert bench.journal.checkpoint(end(bench)).won
    ended, commits = end(bench, *writes(bench)), []
    event.listen(bench.database.engine, "commit", commits.append)
    with sent(bench.database) as found:
        assert bench.journal.checkpoint(ended).won

    texts = [text for text, _ in found]
    asks = next(number for number, text in enumerate(texts) if re.search("(UPDATE|DELETE FROM) tickets", text))
    assert len(commits) + sum(text.startswith("BEGIN") for text in texts) == 1
    assert texts[asks] in [text for text, _ in plain]
    assert not any(changed(text) for text in texts[:asks])


def test_a_step_locks_in_the_one_order(bench: Workbench) -> None:
    ended = end(bench, *writes(bench))
    with sent(bench.database) as found:
        assert bench.journal.checkpoint(ended).won

    tables = [table for table, _ in groupby(table for text, _ in found for table in changed(text) if table in LOCKED)]
    assert tables[-4:] == ["agent_states", "sessions", "memories", "runs"]
    assert [LOCKED[table] for table in tables] == sorted(LOCKED[table] for table in tables)


@pytest.mark.parametrize("expected", [0, 7])
def test_rows_stand_beside_their_result_or_not_at_all(bench: Workbench, expected: int) -> None:
    ended = end(bench, *writes(bench, expected))
    if expected:
        with pytest.raises(Moved):
            bench.journal.checkpoint(ended)
    else:
        bench.journal.checkpoint(ended)

    assert_beside_its_result(bench, ended, there=not expected)


def test_a_claim_that_is_gone_writes_nothing(bench: Workbench) -> None:
    ended = end(bench, *writes(bench))
    bench.controls.cancel(ended.claim.quest_id)

    assert not bench.journal.checkpoint(ended).won
    assert_beside_its_result(bench, ended, there=False)


def assert_beside_its_result(bench: Workbench, ended: Checkpoint[Succeeded], *, there: bool) -> None:
    """Assert that the rows of a step are those of its result, or that there are neither."""
    claim = ended.claim
    done = [(claim.epoch, claim.position, claim.version + 1)] if there else []
    of_saves = [tables_of(one.kind).versions for one in ended.outcome.also if isinstance(one, Saves)]
    of_entries = [table_of(one.kind) for one in ended.outcome.also if isinstance(one, Enters)]
    won = [run for run in bench.rows(runs, claim.quest_id) if run.status == "success"]
    assert [(run.epoch, run.position, run.version) for run in won] == done
    for table in (*of_saves, *of_entries):
        found = bench.rows(table, claim.quest_id)
        assert [(row.epoch, row.position, row.quest_version) for row in found] == done


def columns(asked: set[str]) -> set[str]:
    return {each.partition(" ")[0] for each in asked}


def changed(text: str) -> list[str]:
    """Return the tables that a statement changes, in its order."""
    return re.findall(r"\b(?:(?<!DO )UPDATE|INSERT INTO|DELETE FROM) (\w+)", text)
