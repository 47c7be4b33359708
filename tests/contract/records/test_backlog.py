from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from questline_persistence.records import Backlog, Group, Stage
from questline_persistence.records import backlog as module
from questline_persistence.records.backlog import MAX_EXAMPLES
from tests.contract.quests import LEASE, LONG, Workbench, failure, step

PATIENCE = 30.0


@pytest.fixture
def backlog(bench: Workbench) -> Backlog:
    return Backlog(bench.database, bench.namespace)


def ready(backlog: Backlog) -> dict[Stage, Group]:
    return {group.stage: group for group in backlog.ready(patience=PATIENCE)}


def test_steps_that_may_run_are_told_from_those_that_wait_for_their_time_and_those_left_for_long(
    bench: Workbench, backlog: Backlog
) -> None:
    left = bench.submit("a")
    bench.clock.advance(PATIENCE)
    put_off, fresh = bench.submit("a"), bench.submit("a")
    bench.journal.fail(failure(bench.claim(put_off), retry_in=90.0))
    found = ready(backlog)

    assert {stage: group.quest_ids for stage, group in found.items()} == {
        Stage.OVERDUE: (left,),
        Stage.LATER: (put_off,),
        Stage.READY: (fresh,),
    }
    assert found[Stage.LATER].until == pytest.approx(bench.clock.now() + 90.0)


def test_steps_of_one_lord_and_queue_are_one_group_with_the_eldest_named(bench: Workbench, backlog: Backlog) -> None:
    first = bench.clock.now()
    quest_ids = []
    for _ in range(MAX_EXAMPLES + 2):
        quest_ids.append(bench.submit("a"))
        bench.clock.advance(1)
    bench.submit(step("a", queue="slow"))
    bench.submit("b")
    groups = backlog.ready(patience=PATIENCE)

    assert [(group.handler, group.queue, group.number) for group in groups] == [
        ("a:work", "default", MAX_EXAMPLES + 2),
        ("a:work", "slow", 1),
        ("b:work", "default", 1),
    ]
    assert groups[0].quest_ids == tuple(quest_ids[:MAX_EXAMPLES])
    assert (groups[0].since, groups[0].until) == (first, first + MAX_EXAMPLES + 1)


def test_running_steps_are_told_by_whether_somebody_alive_runs_them_in_time(bench: Workbench, backlog: Backlog) -> None:
    journals = {
        "fine": bench.worker(lease=LONG),
        "late": bench.worker(lease=LONG),
        "lost": bench.worker(process_id="dead"),
        "silent": bench.worker(lease=LEASE),
    }
    quests = {name: bench.submit(step("a", timeout_seconds=5.0 if name == "late" else 600.0)) for name in journals}
    for name, journal in journals.items():
        bench.claim(quests[name], journal)
    bench.register.declare_dead("dead")
    bench.clock.advance(LEASE + 60)
    found = {group.stage: set(group.quest_ids) for group in backlog.running()}

    assert found == {
        Stage.RUNNING: {quests["fine"]},
        Stage.LATE: {quests["late"]},
        Stage.LOST: {quests["lost"], quests["silent"]},
    }


def test_paused_and_pausing_quests_are_counted(bench: Workbench, backlog: Backlog) -> None:
    paused, pausing, _ = bench.submit("a"), bench.submit("a"), bench.submit("a")
    bench.claim(pausing)
    for quest_id in (paused, pausing):
        bench.controls.pause(quest_id)

    found = {group.stage: (group.number, group.quest_ids) for group in backlog.paused()}
    assert found == {Stage.PAUSED: (1, (paused,)), Stage.PAUSING: (1, (pausing,))}
    assert sum(group.number for group in backlog.ready(patience=PATIENCE)) == 1


def test_a_look_ends_after_its_limit(bench: Workbench, backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        bench.submit("a")
    monkeypatch.setattr(module, "MAX_LOOKED", 3)

    assert [group.number for group in backlog.ready(patience=PATIENCE)] == [3]
    assert backlog.ahead_of(bench.submit("a")) <= 3


def test_numbers_are_those_of_the_groups_without_a_quest_and_end_where_they_are_told_to(
    bench: Workbench, backlog: Backlog
) -> None:
    for handler in ("a", "a", "a", "b"):
        bench.submit(handler)
        bench.clock.advance(1)
    bench.claim(bench.submit("c"))

    for look in (partial(backlog.ready, patience=PATIENCE), backlog.running):
        assert look(named=False) == [replace(group, quest_ids=()) for group in look()]
    assert [group.number for group in backlog.ready(patience=PATIENCE, limit=3, named=False)] == [3]


def test_steps_ahead_in_a_queue_are_those_more_urgent_or_older(bench: Workbench, backlog: Backlog) -> None:
    bench.submit("a")
    bench.clock.advance(1)
    own = bench.submit("a")
    bench.clock.advance(1)
    bench.submit("a")  # younger
    bench.submit("a", priority=5)
    bench.submit("a", priority=-5)
    bench.submit(step("a", queue="slow"), priority=9)
    bench.claim(bench.submit("a", priority=9))
    put_off = bench.submit("a", priority=9)
    bench.journal.fail(failure(bench.claim(put_off), retry_in=90.0))

    assert backlog.ahead_of(own) == 2
    assert backlog.ahead_of("nobody") == 0


def test_a_step_that_runs_has_nobody_ahead(bench: Workbench, backlog: Backlog) -> None:
    bench.submit("a")
    bench.clock.advance(1)
    own = bench.submit("a")
    bench.claim(own)

    assert backlog.ahead_of(own) == 0


def test_i11_tickets_of_another_namespace_are_not_counted(bench: Workbench) -> None:
    own = bench.submit("a")
    bench.claim(bench.submit("a"))
    bench.controls.pause(bench.submit("a"))
    stranger = Backlog(bench.database, "other")

    assert (stranger.ready(patience=PATIENCE), stranger.running(), stranger.paused()) == ([], [], [])
    assert stranger.ahead_of(own) == 0


def test_every_look_goes_through_an_index(bench: Workbench, backlog: Backlog) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(1)
    for _ in range(4):
        bench.submit("a")
    bench.claim(bench.submit("a"))
    bench.controls.pause(bench.submit("a"))
    plans = _plans(
        bench,
        lambda: (
            backlog.ready(patience=PATIENCE),
            backlog.running(),
            backlog.paused(),
            backlog.ready(patience=PATIENCE, named=False),
            backlog.running(named=False),
            backlog.ahead_of(quest_id),
            bench.register.all(),
            bench.register.claims_of([bench.journal.worker_id]),
        ),
    )

    assert len(plans) == 9, "the quest's own ticket is looked up before those ahead of it"
    for plan in plans:
        assert not _whole_tables(plan), plan
    assert "ready" not in plans[5], "one ticket is found by its key"


def _plans(bench: Workbench, look: Any) -> list[str]:
    """Return how the database goes about each statement that `look` sends."""
    explain = "EXPLAIN QUERY PLAN " if bench.database.dialect.name == "sqlite" else "EXPLAIN "
    plans: list[str] = []

    def note(_connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("SELECT"):
            return
        cursor.execute(f"{explain}{statement}", parameters)
        plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    engine: Engine = bench.database.engine
    if bench.database.dialect.name == "postgresql":  # of a handful of rows it would rather read them all
        event.listen(engine, "begin", lambda connection: connection.execute(text("SET LOCAL enable_seqscan = off")))
    event.listen(engine, "before_cursor_execute", note)
    try:
        look()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return plans


def _whole_tables(plan: str) -> list[str]:
    """Return the lines that read every row of tickets or quests."""
    return [
        line
        for line in plan.splitlines()
        if line.strip().removeprefix("->").strip().startswith(("SCAN tickets", "SCAN quest_executions", "Seq Scan"))
        and "USING INDEX" not in line
        and "on workers" not in line
    ]


def test_each_queue_has_its_depth_and_the_age_of_its_eldest(
    bench: Workbench, backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit("a")
    bench.clock.advance(30)
    bench.submit("a")
    bench.submit(step("a", queue="mail"))
    bench.journal.fail(
        failure(bench.claim(bench.submit("a"), bench.worker()), retry_in=90.0)
    )  # its time is yet to come
    bench.claim(bench.submit("a"), bench.worker())
    strangers = Backlog(bench.database, "other")

    assert [(load.queue, load.depth) for load in backlog.queues()] == [("default", 2), ("mail", 1)]
    assert backlog.queues()[0].oldest_seconds == pytest.approx(30, abs=0.1)
    assert backlog.number_running() == 1
    assert (strangers.queues(), strangers.number_running()) == ([], 0)

    monkeypatch.setattr(module, "MAX_LOOKED", 2)
    assert sum(load.depth for load in backlog.queues()) <= 2
