"""Runs that were executed elsewhere: recorded by one insert, whole or in parts, and never changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import select

from questline_persistence.errors import NotFound, PayloadError, StoreUnavailable
from questline_persistence.log import fields_of
from questline_persistence.memory.models import RunRecord, RunSummary
from questline_persistence.memory.runs import RunHistory, Storage
from questline_persistence.schema.memory_tables import kept_runs, run_parts
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait, wait_for_all
from tests.contract.quests import Workbench, refused_commit, statements

PLAN: dict[str, Any] = {"plan_id": "p1", "objective": "Read README.md", "steps": [{"tool": "read", "n": 2**70}], "ü": 1}
DONE: dict[str, Any] = {"plan_id": "p1", "success": True, "output": "# Title\0", "z": None, "a": 1.5}


class PlanModel(BaseModel):
    plan_id: str
    goal: str


@dataclass
class Execution:
    success: bool


def test_the_history_is_a_storage(history: RunHistory) -> None:
    assert isinstance(history, Storage)
    with pytest.raises(TypeError, match="abstract"):
        Storage()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]


def test_a_run_is_recorded_whole(history: RunHistory, bench: Workbench) -> None:
    bench.clock.time = 1_800_000_000.25
    run_id = wait(history.save_run(PLAN, DONE))

    run = wait(history.get_run(run_id))

    assert isinstance(run, RunRecord)
    assert (run.run_id, run.plan_id, run.objective, run.created_at) == (
        run_id,
        "p1",
        "Read README.md",
        1_800_000_000.25,
    )
    assert (repr(run.plan_result), repr(run.execution_result)) == (repr(PLAN), repr(DONE))
    assert wait(history.list_runs()) == [
        RunSummary(run_id=run_id, plan_id="p1", objective="Read README.md", success=True, created_at=1_800_000_000.25)
    ]


def test_the_same_run_recorded_twice_is_two_runs(history: RunHistory) -> None:
    ids = {wait(history.save_run(PLAN, DONE)) for _ in range(2)}

    assert {run.run_id for run in wait(history.list_runs())} == ids
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("plan", "execution", "shown"),
    [
        (PlanModel(plan_id="p", goal="g"), Execution(success=False), ("p", "g", False)),
        ({"plan": {"plan_id": "p", "objective": "o"}, "diagnostics": []}, {"success": True}, ("p", "o", True)),
        ({"plan_id": "p", "plan": {"plan_id": "q", "mission": "m"}}, {"success": True}, ("p", "m", True)),
        ({"plan_id": "%_./:'", "goal": "\N{GRINNING FACE}"}, {"success": True}, ("%_./:'", "\N{GRINNING FACE}", True)),
    ],
)
def test_plans_and_what_came_of_them_are_given_as_they_are(
    history: RunHistory, plan: Any, execution: Any, shown: tuple[str, str, bool]
) -> None:
    wait(history.save_run(plan, execution))

    (run,) = wait(history.list_runs())

    assert (run.plan_id, run.objective, run.success) == shown


@pytest.mark.parametrize(
    ("plan", "execution", "message"),
    [
        ("a plan", DONE, "plan_result is an object, not str"),
        ({"objective": "o"}, DONE, "plan_result has no plan_id"),
        ({"plan_id": 7, "objective": "o"}, DONE, r"plan_result\.plan_id is text, not int"),
        ({"plan_id": "", "objective": "o"}, DONE, r"plan_result\.plan_id: it cannot be empty"),
        ({"plan_id": "p"}, DONE, "plan_result has no objective"),
        ({"plan_id": "p", "goal": "a\0b"}, DONE, "the objective of plan_result.*NUL"),
        (PLAN, [True], "execution_result is an object, not list"),
        (PLAN, {"plan_id": "p1"}, r"execution_result\.success is true or false, not None"),
        (PLAN, {"success": {1}}, r"execution_result\.success is of type set"),
        (PLAN, {"success": True, "x": "y" * 1_000_000}, "execution_result is 1,000,0.. bytes of JSON; the limit is"),
    ],
)
def test_what_no_list_could_show_is_refused_before_anything_is_written(
    history: RunHistory, plan: Any, execution: Any, message: str
) -> None:
    with pytest.raises(PayloadError, match=message):
        wait(history.save_run(plan, execution))

    assert wait(history.list_runs()) == []


def test_a_plan_and_what_came_of_it_may_be_recorded_by_themselves(history: RunHistory, bench: Workbench) -> None:
    wait(history.save_plan_result(PLAN))
    planned = wait(history.get_run("p1"))
    wait(history.save_execution_result({"plan_id": "p1", "success": False}))
    bench.clock.time = 1_900_000_000.5
    wait(history.save_execution_result(DONE))

    run = wait(history.get_run("p1"))

    assert (planned.plan_result, planned.execution_result) == (PLAN, {})
    assert (run.run_id, run.plan_id, run.objective) == ("p1", "p1", "Read README.md")
    assert (run.plan_result, run.execution_result, run.created_at) == (PLAN, DONE, 1_900_000_000.5)


def test_what_came_of_a_plan_is_found_without_the_plan(history: RunHistory) -> None:
    wait(history.save_execution_result(DONE))

    run = wait(history.get_run("p1"))

    assert (run.objective, run.plan_result, run.execution_result) == ("", {}, DONE)


def test_parts_are_read_by_nothing_but_their_plan(history: RunHistory) -> None:
    wait(history.save_plan_result(PLAN))
    run_id = wait(history.save_run({**PLAN, "plan_id": "p2"}, DONE))

    assert [run.run_id for run in wait(history.list_runs())] == [run_id]
    with pytest.raises(NotFound):
        wait(history.get_run("p2"))


@pytest.mark.parametrize("run_id", ["nothing", "", "a\0b", "\ud800", "x" * 256, "%", "ü"])
def test_a_run_that_is_not_there_is_not_found(history: RunHistory, run_id: str) -> None:
    wait(history.save_run(PLAN, DONE))

    with pytest.raises(NotFound, match=r"(?s)^cannot load run .*: there is none"):
        wait(history.get_run(run_id))


def test_an_id_is_text(history: RunHistory) -> None:
    with pytest.raises(PayloadError, match="run_id is text, not int"):
        wait(history.get_run(7))  # type: ignore[arg-type]


def test_runs_of_another_namespace_are_not_seen(open_history: Callable[..., RunHistory]) -> None:
    acme, sibling = open_history("acme"), open_history("acme-corp")
    run_id = wait(acme.save_run(PLAN, DONE))
    wait(acme.save_plan_result(PLAN))

    assert wait(sibling.list_runs()) == []
    for name in (run_id, "p1"):
        with pytest.raises(NotFound):
            wait(sibling.get_run(name))


def test_a_run_is_one_insert_into_its_own_table(history: RunHistory, bench: Workbench) -> None:
    wait(history.list_runs())
    with statements(bench.database) as sent:
        wait(history.save_run(PLAN, DONE))
        wait(history.save_plan_result(PLAN))
        wait(history.save_execution_result(DONE))

    writes = [statement for statement in sent if not statement.startswith(("BEGIN", "COMMIT"))]
    assert len(writes) == 3
    assert [statement.partition("INSERT INTO ")[2].split()[0] for statement in writes] == ["runs", *["run_parts"] * 2]


def test_nothing_that_is_kept_is_ever_changed(history: RunHistory, bench: Workbench) -> None:
    def kept() -> list[Any]:
        return [
            bench.database.read(lambda own, table=table: own.execute(select(table).order_by(table.c.id)).all())
            for table in (kept_runs, run_parts)
        ]

    run_id = wait(history.save_run(PLAN, DONE))
    wait(history.save_plan_result(PLAN))
    before = kept()
    wait(history.save_run(PLAN, {**DONE, "success": False}))
    wait(history.save_plan_result({**PLAN, "objective": "another"}))
    for read in (history.get_run(run_id), history.get_run("p1"), history.list_runs()):
        wait(read)

    assert [now[: len(then)] for now, then in zip(kept(), before, strict=True)] == before


def test_a_storage_that_refuses_is_not_asked_again(history: RunHistory, bench: Workbench) -> None:
    wait(history.list_runs())

    with refused_commit(bench.database, lambda: None), pytest.raises(StoreUnavailable):
        wait(history.save_run(PLAN, DONE))

    assert wait(history.list_runs()) == []


def test_many_may_record_at_once(history: RunHistory) -> None:
    ids = wait_for_all(lambda: [history.save_run(PLAN, DONE) for _ in range(40)])

    assert {run.run_id for run in wait(history.list_runs(limit=100))} == set(ids)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of the lines that tell of runs."""
    found = [fields_of(record) for record in caplog.records]
    return [
        {name: value for name, value in line.items() if name != "logger"}
        for line in found
        if str(line.get("event")).startswith("run_")
    ]


def test_what_is_recorded_is_logged_with_its_id_and_that_of_its_request(
    history: RunHistory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"), structlog.contextvars.bound_contextvars(request_id="r-1"):
        run_id = wait(history.save_run(PLAN, DONE))
        wait(history.save_plan_result(PLAN))

    assert lines(caplog) == [
        {"event": "run_persisted", "level": "info", "request_id": "r-1", "run_id": run_id, "plan_id": "p1"},
        {"event": "run_part_persisted", "level": "info", "request_id": "r-1", "part": "plan", "plan_id": "p1"},
    ]


def test_what_could_not_be_recorded_is_logged(unreachable: Database, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StoreUnavailable) as told:
        wait(RunHistory(unreachable).save_run(PLAN, DONE))

    tried, _, reason = told.value.message.partition(": ")
    assert tried == "cannot save run"
    assert lines(caplog) == [
        {"event": "run_not_persisted", "level": "warning", "part": "run", "plan_id": "p1", "error": reason}
    ]
