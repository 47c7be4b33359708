"""A whole store goes to another one, of whatever kind, and its quests come to the same ends there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from questline_persistence.batches import BatchBook, BatchOrder, BatchVerb
from questline_persistence.dialects.sqlite import library
from questline_persistence.errors import ConfigurationError, QuestConflict, StoreUnavailable
from questline_persistence.keys import Keys
from questline_persistence.kinds import AGENT_STATES, MEMORIES
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.moving import Copied, copy_store
from questline_persistence.moving.copying import TABLES
from questline_persistence.records import QuestFilter
from questline_persistence.recovery import Counter
from questline_persistence.schema import audit, runs
from questline_persistence.store import Database
from tests.contract.lessons import event, lesson, outside, present, state, step
from tests.contract.once.test_records import record
from tests.contract.quests import ACTOR, LEASE, LONG, Workbench, failure
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED

STATES = ("new", "running", "waiting", "paused", "failed", "completed", "cancelled")


@pytest.fixture
def source(sqlite_url: str) -> Iterator[Workbench]:
    with opened(sqlite_url) as bench:
        yield bench


@contextmanager
def opened(url: str) -> Iterator[Workbench]:
    bench = Workbench(url)
    yield bench
    bench.check()
    bench.close()
    assert_invariants(url, REMEMBERED)


def fill(bench: Workbench, each: int = 1) -> None:
    """Lead quests to every state, with memory of their own and shared, and have something in every other table."""
    for number in range(each):
        for name in STATES:
            quest_id = bench.submit("a", "b", quest_id=f"{name}-{number}", labels={"state": name})
            step(
                bench,
                quest_id,
                state(bench, f"honey {name}", f"{quest_id}/planner", owner=quest_id),
                state(bench, f"shared {quest_id}"),
                event(bench, f"told {quest_id}", quest_id, owner=quest_id),
                lesson(bench, f"lesson of {quest_id}"),
                output={"number": number, "half": 0.5},
            )
            lead(bench, quest_id, name)
    bench.repository.delete_quest(bench.end("completed"))
    Keys(bench.database, bench.namespace, ACTOR).create("ci", {"read"})
    BatchBook(bench.database, bench.namespace, ACTOR).create(BatchOrder(BatchVerb.PAUSE, QuestFilter("running")))
    bench.counters.add(Counter.RESULTS_FENCED, 3)


def lead(bench: Workbench, quest_id: str, name: str) -> None:
    """Lead a quest that is at its second step to a state."""
    if name == "running":
        assert bench.journal.record_once(record(bench.claim(quest_id)))
    elif name == "waiting":
        bench.journal.fail(failure(bench.claim(quest_id), retry_in=100.0))
    elif name == "paused":
        bench.controls.pause(quest_id, "please look")
    elif name == "failed":
        bench.journal.fail(failure(bench.claim(quest_id), retry_in=None))
    elif name == "completed":
        bench.advance(quest_id, "end")
    elif name == "cancelled":
        bench.controls.cancel(quest_id)


def finish(bench: Workbench) -> dict[str, Any]:
    """Have all quests go on that can, and return what they came to, with what they remember."""
    bench.clock.advance(LONG)
    bench.sweep.run()
    bench._journal = None  # the worker of before is lost
    bench.bells.wake()
    for quest_id in sorted(bench.quest_ids()):
        with suppress(QuestConflict):
            bench.controls.resume(quest_id)
        with suppress(QuestConflict):
            bench.controls.retry(quest_id)
        if bench.has_ticket(quest_id):
            step(bench, quest_id, state(bench, "wax", f"{quest_id}/planner", owner=quest_id), output="end")
    return {quest_id: ended(bench, quest_id) for quest_id in sorted(bench.quest_ids())}


def ended(bench: Workbench, quest_id: str) -> tuple[Any, ...]:
    quest = bench.repository.load_quest(quest_id)
    attempts = [(run.position, run.status, run.attempt_number) for run in bench.repository.runs(quest_id)]
    return quest.status, quest.epoch, quest.version, quest.run_data, attempts, present(bench, f"{quest_id}/planner")


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, but for the audit, which notes the copy itself."""

    def rows(table: Table) -> list[tuple[Any, ...]]:
        query = select(table).order_by(*table.primary_key)
        return [tuple(row) for row in database.read(lambda connection: connection.execute(query).all())]

    return {table.name: sorted(rows(table), key=repr) for table in TABLES if table is not audit}


def copied(source: Workbench, target: Workbench) -> Copied:
    """Copy a store, once its worker is silent for longer than its lease."""
    source.clock.advance(2 * LEASE)
    target.clock.time = source.clock.time
    return copy_store(source.database, target.database, actor=ACTOR, namespace="default")


def there_and_back(source: Workbench, postgres_url: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copy a store to PostgreSQL and on to SQLite; return what its quests come to here, and what they come to there."""
    with opened(postgres_url) as between, opened(f"sqlite:///{folder / 'back.db'}") as back:
        before = everything(source.database)
        first, second = copied(source, between), copied(between, back)
        assert before == everything(between.database) == everything(back.database)
        assert second.rows == {**first.rows, "audit": first.rows["audit"] + 1}
        found = [row.agent_id for row in search(Kept(back.database, "default"), AGENT_STATES, "honey", limit=9).rows]
        assert found == [
            row.agent_id for row in search(Kept(source.database, "default"), AGENT_STATES, "honey", limit=9).rows
        ]
        assert len(found) >= len(STATES)
        return finish(source), finish(back)


def test_a_store_of_live_quests_ends_elsewhere_as_it_would_have_here(
    source: Workbench, postgres_url: str, tmp_path: Path
) -> None:
    fill(source)
    assert [name for name, rows in everything(source.database).items() if not rows and name in ALL_HERE] == []

    here, there = there_and_back(source, postgres_url, tmp_path)

    assert here == there
    assert {result[0] for result in there.values()} == {"completed", "cancelled"}


#: Tables that `fill` has rows for, beside those of other kinds of memory.
ALL_HERE = {
    *("quest_executions", "quest_steps", "tickets", "lord_runs", "quest_snapshots", "step_once", "workers", "counts"),
    *("tombstones", "api_keys", "batches", "agent_states", "agent_state_versions", "sessions", "events", "memories"),
}


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_quests_end_elsewhere_as_they_would_have_here(
    source: Workbench, postgres_url: str, tmp_path: Path
) -> None:
    fill(source, 1_000 // len(STATES) + 1)

    here, there = there_and_back(source, postgres_url, tmp_path)

    assert len(here) > 1_000
    assert here == there


@pytest.fixture
def target_url(database_url: str, tmp_path: Path) -> str:
    """An empty store of either kind, which is not the source."""
    return f"sqlite:///{tmp_path / 'target.db'}" if database_url.startswith("sqlite") else database_url


def test_numbers_that_were_given_to_rows_come_to_no_other_row(source: Workbench, target_url: str) -> None:
    gone = source.end("completed")
    highest = max(row.run_id for row in source.rows(runs, gone))
    source.repository.delete_quest(gone)
    outside(source, lesson(source, "first"), lesson(source, "second"))

    with opened(target_url) as target:
        copied(source, target)
        target._journal = None
        target.advance(target.submit("a"), 1)
        outside(target, lesson(target, "third"))

        (run,) = target.database.read(lambda connection: connection.execute(select(runs.c.run_id)).all())
        assert run.run_id > highest
        found = search(Kept(target.database, "default"), MEMORIES, "first third", limit=9)
        assert found.rows == []
        (entry, *_) = target.audit()
        assert (entry.verb, entry.subject) == ("db copy", source.database.name) or entry.audit_id > 0


def test_nothing_is_copied_while_a_worker_is_alive(source: Workbench, target_url: str) -> None:
    source.worker()

    with opened(target_url) as target, pytest.raises(QuestConflict, match="a worker process runs on"):
        copy_store(source.database, target.database, actor=ACTOR, namespace="default")


def test_a_store_that_has_rows_is_not_copied_to(source: Workbench, target_url: str) -> None:
    source.submit("a")
    with opened(target_url) as target:
        copied(source, target)

        with pytest.raises(QuestConflict, match="is not empty: there are rows in"):
            copied(source, target)
    with pytest.raises(ConfigurationError, match="cannot be copied to itself"):
        copy_store(source.database, source.database, actor=ACTOR, namespace="default")


def test_a_copy_that_breaks_off_leaves_nothing(
    source: Workbench, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(source)
    monkeypatch.setattr("questline_persistence.moving.copying._copy_words", lambda *_: 1 / 0)

    with opened(target_url) as target:
        with pytest.raises(ZeroDivisionError):
            copied(source, target)
        assert not any(everything(target.database).values())


def test_nobody_writes_what_is_being_copied(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A submission that comes meanwhile waits, or is refused; it is not lost in the old store."""
    bench.submit("a", quest_id="before")
    bench.clock.advance(2 * LEASE)
    monkeypatch.setattr(library, "BUSY_TIMEOUT_MS", 50)
    other = Database(bench.url, patience=0.0)
    refused: list[str] = []

    def tell(table: str, _rows: int) -> None:
        if not refused:
            with pytest.raises(StoreUnavailable):
                other.write(briefly, at="save")
            refused.append(table)

    def briefly(connection: Connection) -> None:
        other.dialect.wait_briefly(connection)
        connection.exec_driver_sql("DELETE FROM counts")

    with opened(f"sqlite:///{tmp_path / 'target.db'}") as target:
        copy_store(bench.database, target.database, actor=ACTOR, namespace="default", tell=tell)
        assert target.quest_ids() == ["before"]
    other.close()
    assert refused
