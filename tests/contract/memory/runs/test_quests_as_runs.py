"""Every quest appears as a run, by a mapping of what is stored of it already."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.memory.runs import RunHistory
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.payload import Limit
from questline_persistence.schema.memory_tables import kept_runs, run_parts
from tests.contract.memory.sessions.managers import wait
from tests.contract.quests import Workbench, quest


def test_a_completed_quest_is_a_run_by_its_mapping(bench: Workbench, history: RunHistory) -> None:
    step = LordStep("a", "work", params={"n": 1})
    quest_id = bench.submit(step, "b", input_data={"goal": "Read the file README.md", "n": 1})
    bench.advance(quest_id, "read", {"lines": 3})

    run = wait(history.get_run(quest_id))

    stored = bench.repository.load_quest(quest_id)
    assert (run.run_id, run.plan_id, run.objective) == (quest_id, f"{quest_id}:0", "Read the file README.md")
    assert run.plan_result == {
        "plan_id": f"{quest_id}:0",
        "objective": "Read the file README.md",
        "quest_type": "test",
        "input_data": {"goal": "Read the file README.md", "n": 1},
        "steps": [step.to_json(), LordStep("b", "work").to_json()],
    }
    assert run.execution_result == {
        "success": True,
        "status": "completed",
        "output": {"lines": 3},
        "error": None,
        "steps": [
            {"position": "0001", "lord_name": "a", "tool_name": "work", "status": "success", "attempts": 1},
            {"position": "0002", "lord_name": "b", "tool_name": "work", "status": "success", "attempts": 1},
        ],
        "start_time": stored.start_time,
        "end_time": stored.end_time,
    }
    assert run.created_at == datetime.fromisoformat(str(stored.created_at)).timestamp()


def test_a_failed_quest_tells_its_error_and_where_it_stands(bench: Workbench, history: RunHistory) -> None:
    quest_id = bench.submit("a", "b")
    bench.fail(quest_id, "no such file")

    found = wait(history.get_run(quest_id)).execution_result

    assert (found["success"], found["status"], found["output"]) == (False, "failed", None)
    assert "no such file" in found["error"]
    assert [(step["status"], step["attempts"]) for step in found["steps"]] == [("error", 1), ("pending", 0)]


def test_a_running_quest_is_shown_as_it_is_now(bench: Workbench, history: RunHistory) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.claim(quest_id)

    found = wait(history.get_run(quest_id)).execution_result

    assert (found["success"], found["status"], found["end_time"]) == (False, "running", None)
    assert [(step["status"], step["attempts"]) for step in found["steps"]] == [("success", 1), ("running", 1)]


@pytest.mark.parametrize(
    ("input_data", "objective"),
    [
        ({"objective": "o", "goal": "g", "mission": "m"}, "o"),
        ({"mission": "m", "goal": "g"}, "g"),
        ({"mission": "m"}, "m"),
        ({"objective": 7, "goal": None, "mission": "m"}, "m"),
        ({"objective": "", "goal": ["g"]}, "test"),
        ({}, "test"),
    ],
)
def test_the_objective_is_the_inputs_else_the_type(
    bench: Workbench, history: RunHistory, input_data: dict[str, Any], objective: str
) -> None:
    quest_id = bench.submit("a", input_data=input_data)

    assert wait(history.get_run(quest_id)).objective == objective
    assert [run.objective for run in wait(history.list_runs())] == [objective]


def test_a_replay_is_another_plan_of_the_same_run_as_submitted(bench: Workbench, history: RunHistory) -> None:
    quest_id = bench.submit("a", input_data={"goal": "first"})
    bench.advance(quest_id, 1)
    bench.replay(quest_id, correction={"input_data.goal": "second"})

    run = wait(history.get_run(quest_id))

    assert (run.run_id, run.plan_id, run.objective) == (quest_id, f"{quest_id}:1", "first")
    assert run.plan_result["input_data"] == {"goal": "first"}
    assert [(one.run_id, one.plan_id, one.objective) for one in wait(history.list_runs())] == [
        (quest_id, f"{quest_id}:1", "first")
    ]


def test_only_a_completed_quest_is_a_success(bench: Workbench, history: RunHistory) -> None:
    ended = {bench.end(ending): ending == "completed" for ending in ("completed", "failed", "cancelled")}

    assert {run.run_id: run.success for run in wait(history.list_runs())} == ended


def test_a_quest_is_not_stored_a_second_time(bench: Workbench, history: RunHistory) -> None:
    quest_id = bench.end("completed")
    before = bench.everything(quest_id)

    wait(history.get_run(quest_id))
    wait(history.list_runs())

    assert bench.everything(quest_id) == before
    for table in (kept_runs, run_parts):
        assert bench.database.read(lambda own, table=table: own.execute(select(table)).all()) == []


def test_a_deleted_quest_is_a_run_no_more(bench: Workbench, history: RunHistory) -> None:
    gone, stays = bench.end("completed"), bench.end("completed")
    bench.repository.delete_quest(gone)

    assert [run.run_id for run in wait(history.list_runs())] == [stays]
    with pytest.raises(NotFound, match=gone):
        wait(history.get_run(gone))


def test_large_outputs_do_not_keep_a_quest_from_being_shown(bench: Workbench, history: RunHistory) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, "x" * 1_000, 1)
    bench.database.limits = replace(bench.database.limits, state=Limit(1_000))

    with pytest.raises(PayloadError):
        bench.repository.load_quest(quest_id)
    assert wait(history.get_run(quest_id)).execution_result["output"] == 1


def test_a_quest_of_another_namespace_is_no_run(bench: Workbench, open_history: Callable[..., RunHistory]) -> None:
    quest_id = bench.submit("a")
    other = open_history("other")

    assert wait(other.list_runs()) == []
    with pytest.raises(NotFound, match=quest_id):
        wait(other.get_run(quest_id))


@pytest.mark.parametrize("created_at", ["yesterday", "", "2026-13-40"])
def test_a_quest_whose_program_wrote_no_moment_is_shown_all_the_same(
    bench: Workbench, history: RunHistory, created_at: str
) -> None:
    kept = quest("a", quest_id="kept", created_at=created_at)
    assert isinstance(kept, QuestExecutionData)
    bench.repository.save_quest(kept)
    others = {bench.submit("a"), wait(history.save_run({"plan_id": "p", "goal": "g"}, {"success": True}))}

    runs = wait(history.list_runs())

    assert {run.run_id for run in runs} == {"kept", *others}
    assert wait(history.get_run("kept")).created_at == next(run.created_at for run in runs if run.run_id == "kept")
