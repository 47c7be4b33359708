import asyncio
from typing import Any

import pytest

from questline_persistence.errors import ConfigurationError, PayloadError
from questline_persistence.memory.models import AgentState
from questline_persistence.models import LordStep
from questline_persistence.records import QuestRepository
from questline_persistence.states import StepStatus
from questline_worker.lords import LordContext, Permanent, Retry, Snooze, known_handlers, lord
from questline_worker.testing import run_step


def test_parameters_are_filled_from_params_input_and_outputs() -> None:
    def meet(_: LordContext, who: str, where: str, architect: dict[str, int]) -> list[Any]:
        return [who, where, architect["floors"]]

    outcome = run_step(meet, params={"who": "ada"}, input_data={"where": "here"}, outputs={"architect": {"floors": 2}})

    assert outcome.output == ["ada", "here", 2]
    assert outcome.status is StepStatus.SUCCESS
    assert outcome.quest.run_data["architect"] == {"floors": 2}


def test_an_async_lord_is_awaited_also_where_a_loop_runs_already() -> None:
    async def answer(ctx: LordContext) -> int:
        await asyncio.sleep(0)
        return ctx.attempt

    async def test() -> object:
        return run_step(answer).output

    assert run_step(answer).output == asyncio.run(test()) == 1


def test_a_registered_lord_runs_with_its_own_options() -> None:
    @lord("architect", "design", max_attempts=2)
    def design(ctx: LordContext) -> list[Any]:
        return [ctx.lord_name, ctx.attempt, ctx.max_attempts]

    assert run_step(design).output == run_step("architect:design").output == ["architect", 1, 2]
    assert run_step(LordStep(design, max_attempts=9), attempt=7).output == ["architect", 7, 9]


def test_a_function_is_registered_for_the_time_of_its_step_alone() -> None:
    run_step(lambda _: None)

    assert known_handlers() == []


def test_a_failed_attempt_says_when_the_next_one_comes() -> None:
    def call(_: LordContext) -> None:
        raise Retry("busy", after=3600)

    outcome = run_step(call)

    assert (outcome.status, outcome.retry_in, outcome.snoozed) == (StepStatus.QUEUED, 3600, False)
    assert outcome.error is not None
    assert outcome.error.startswith("Retry: busy")


def test_the_last_attempt_fails_the_quest() -> None:
    def call(_: LordContext) -> None:
        raise ConnectionError("nobody answers")

    outcome = run_step(call, attempt=3)

    assert (outcome.status, outcome.retry_in, outcome.quest.status) == (StepStatus.ERROR, None, "failed")


def test_what_a_lord_refuses_for_good_is_not_tried_again() -> None:
    def refuse(_: LordContext) -> None:
        raise Permanent("no")

    assert run_step(refuse).retry_in is None


def test_a_step_that_is_put_off_is_no_error() -> None:
    outcome = run_step(lambda _: Snooze(60))

    assert (outcome.snoozed, outcome.retry_in, outcome.error) == (True, 60, None)


def test_the_output_of_a_failed_step_tells_why_there_is_none() -> None:
    def divide(_: LordContext) -> float:
        return 1 / 0

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        _ = run_step(divide).output


def test_pushed_steps_are_told_and_not_run() -> None:
    @lord("reviewer", "read")
    def read(_: LordContext) -> None:
        raise AssertionError("nobody asked for this step")

    outcome = run_step(lambda ctx: ctx.push("reviewer:read"))

    assert outcome.pushed == (LordStep("reviewer:read"),)
    assert [step.status for step in outcome.quest.steps] == [StepStatus.SUCCESS, StepStatus.QUEUED]


def test_what_a_step_remembers_can_be_read_once_it_is_committed() -> None:
    def plan(ctx: LordContext) -> None:
        ctx.state.save_agent_state(AgentState(agent_id="planner", status="busy"))
        ctx.events.append("planned", "three rooms")

    outcome = run_step(plan)

    assert outcome.state.load_agent_state("planner").status == "busy"
    assert [event.content for event in outcome.events.get_events()] == ["three rooms"]


def test_what_a_step_says_is_told_also_where_it_fails() -> None:
    def talk(ctx: LordContext) -> None:
        ctx.emit({"part": ctx.attempt})
        ctx.log.info("reading", file="api.py")
        raise Retry("later", after=1)

    outcome = run_step(talk, attempt=2)

    assert (outcome.emitted, outcome.logged) == (({"part": 2},), ("reading",))


def test_what_a_step_spends_is_told_also_where_it_fails() -> None:
    def spend(ctx: LordContext) -> None:
        ctx.cost(model="small", input_tokens=10, output_tokens=1, usd=0.25)
        ctx.cost(model="large", input_tokens=5, usd=0.5)
        raise Retry("later", after=1)

    spent = run_step(spend, attempt=2).spent

    assert (spent.input_tokens, spent.output_tokens, spent.usd) == (15, 1, 0.75)
    assert run_step(lambda _: None).spent.tokens == 0


def test_a_failed_step_remembers_nothing() -> None:
    def plan(ctx: LordContext) -> None:
        ctx.state.save_agent_state(AgentState(agent_id="planner"))
        raise Permanent("no")

    assert run_step(plan).state.load_agent_state("planner") is None


def test_steps_of_one_store_find_what_others_have_left_there() -> None:
    def save(ctx: LordContext) -> None:
        ctx.state.save_agent_state(AgentState(agent_id="planner", status="busy"))

    with QuestRepository(":memory:") as store:
        run_step(save, store=store)

        assert run_step(lambda ctx: ctx.state.load_agent_state("planner").status, store=store).output == "busy"


def test_a_step_of_the_same_name_as_a_lord_does_not_replace_it() -> None:
    @lord("architect", "design")
    def design(_: LordContext) -> int:
        return 1

    def other(_: LordContext) -> int:
        return 2

    other.questline_handlers = ("architect:design",)  # type: ignore[attr-defined]

    assert (run_step(other).output, run_step(design).output) == (2, 1)


@pytest.mark.parametrize("attempt", [0, 4])
def test_an_attempt_that_the_step_does_not_have_is_refused(attempt: int) -> None:
    with pytest.raises(PayloadError, match=f"no attempt {attempt}"):
        run_step(lambda _: None, attempt=attempt)


def test_a_function_that_takes_no_context_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="takes no context"):
        run_step(lambda: None)


def test_params_that_are_no_json_are_refused() -> None:
    with pytest.raises(PayloadError, match="params"):
        run_step(lambda _: None, params={"when": object()})
