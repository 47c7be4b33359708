"""Each Lord by itself: one attempt of one step, with a quest made up around it."""

from examples.forge_agent.action import Action
from examples.forge_agent.lords import PLAN, carry_out, conclude, make_plan
from examples.forge_agent.result import ExecutionResult, PlanResult
from questline import LordContext
from questline.testing import run_step

READ = PlanResult(plan_id="p", objective="read", steps=[Action(tool="read_file", path="README.md")])


def test_the_planner_pushes_a_step_for_each_action() -> None:
    outcome = run_step(make_plan, input_data={"goal": "Read the file README.md, then list the folder docs"})

    assert [step["tool"] for step in outcome.output["steps"]] == ["read_file", "list_folder"]
    assert [step.params for step in outcome.pushed] == [{"number": 0}, {"number": 1}]


def test_the_planner_keeps_its_plan_as_a_to_do_list() -> None:
    outcome = run_step(make_plan, input_data={"goal": "Read the file README.md"})

    assert outcome.todos.load_todolist(PLAN).plan == [{"do": "read the file README.md", "status": "to do"}]
    assert outcome.state.load_agent_state("forge_planner").state_data == "1"
    assert [event.event_type for event in outcome.events.get_events()] == ["planned"]


def test_an_action_is_struck_off_the_list_once_it_is_carried_out() -> None:
    def carry_out_first(ctx: LordContext) -> bool:
        ctx.todos.save_todolist(PLAN, [{"do": "read", "status": "to do"}])
        return carry_out(ctx, READ, number=0)

    outcome = run_step(carry_out_first)

    assert outcome.output is True
    assert outcome.todos.load_todolist(PLAN).plan[0]["status"] == "done"
    assert outcome.history.list()[0].observation == "# A title\n"


def test_a_goal_that_was_not_reached_fails_without_another_attempt() -> None:
    result = ExecutionResult(plan_id="p", success=False, output="", error="README is not there")

    outcome = run_step(conclude, outputs={"executor": result.model_dump()})

    assert (outcome.status, outcome.retry_in) == ("error", None)
    assert "README is not there" in str(outcome.error)
