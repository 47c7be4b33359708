"""The planner and the executor, and the quest in which they reach a goal.

What they write through `ctx` is committed together with the result of their step. So a worker may die at any moment:
the step runs again, and nothing is written twice, nor only half.
"""

import os
from pathlib import Path
from typing import Any, Final

from examples.forge_agent.action import Action, actions_of
from examples.forge_agent.folder import Folder, Refused
from examples.forge_agent.result import ExecutionResult, PlanResult
from examples.forge_agent.tools import TOOLS
from questline import LordContext, LordStep, Permanent, lord, quest_type
from questline.memory import AgentState, WorkflowContext

#: The variable that names the folder. The worker has it, not the quest: who submits a goal cannot choose what is read.
ROOT: Final = "FORGE_AGENT_ROOT"
#: The to-do list of a quest.
PLAN: Final = "plan"


@quest_type("forge_goal")
def forge_goal(input_data: dict[str, Any]) -> list[LordStep]:
    """Return the steps towards a goal; the planner adds one for each action, behind its own."""
    actions_of(str(input_data.get("goal", "")))  # which refuses what nobody could do before there is a quest
    return [LordStep("planner", "make_plan"), LordStep("executor", "report"), LordStep("executor", "conclude")]


@lord("planner", "make_plan")
def make_plan(ctx: LordContext, goal: str) -> PlanResult:
    """Plan a goal, as earlier quests have taught."""
    actions = [_as_learnt(ctx, action) for action in actions_of(goal)]
    ctx.todos.save_todolist(PLAN, [{"do": str(action), "status": "to do"} for action in actions], "in_progress")
    ctx.context.save_context(
        WorkflowContext(epic_num=0, feature="forge_agent", workflow_name="forge_goal", current_phase="execution")
    )
    ctx.events.append("planned", f"{len(actions)} actions for: {goal}", actor_id="planner")
    ctx.state.update("forge_planner", _one_plan_more)
    ctx.push(*(LordStep("executor", "carry_out", params={"number": number}) for number in range(len(actions))))
    return PlanResult(plan_id=f"{ctx.quest_id}:{ctx.epoch}", objective=goal, steps=actions)


@lord("executor", "carry_out")
def carry_out(ctx: LordContext, planner: PlanResult, number: int) -> bool:
    """Carry one action out, and write down what was seen; return whether it went well."""
    action = planner.steps[number]
    seen, failed = _seen(ctx, action)
    todos = ctx.todos.load_todolist(PLAN)
    todos.plan[number]["status"] = "failed" if failed else "done"
    ctx.todos.save_todolist(PLAN, todos.plan, "in_progress")
    ctx.history.append(number, thought=_thought(action), action=str(action), observation=seen)
    ctx.state.own.save_agent_state(AgentState(agent_id="executor", status="busy", state_data=f"after {action}"))
    return not failed


@lord("executor", "report")
def report(ctx: LordContext, planner: PlanResult) -> ExecutionResult:
    """Put together what was seen."""
    todos = ctx.todos.load_todolist(PLAN)
    seen = [entry.observation for entry in ctx.history.list()]
    errors = [text for text, todo in zip(seen, todos.plan, strict=True) if todo["status"] == "failed"]
    status = "failed" if errors else "completed"
    ctx.todos.save_todolist(PLAN, todos.plan, status)
    context = ctx.context.load_context()
    ctx.context.save_context(context.model_copy(update={"current_phase": "end", "status": status}))
    ctx.events.append(status, planner.objective, actor_id="executor")
    ctx.state.own.save_agent_state(AgentState(agent_id="executor", status="idle"))
    return ExecutionResult(
        plan_id=planner.plan_id, success=not errors, output="\n".join(seen), error="; ".join(errors) or None
    )


@lord("executor", "conclude")
def conclude(_: LordContext, executor: ExecutionResult) -> ExecutionResult:
    """Fail the quest if its goal was not reached.

    This is a step of its own since a step that fails leaves nothing behind: the lesson would be lost with it.
    """
    if not executor.success:
        raise Permanent(str(executor.error))
    return executor


def _folder() -> Folder:
    return Folder(Path(os.environ.get(ROOT, ".")).resolve())


def _as_learnt(ctx: LordContext, action: Action) -> Action:
    """Return an action, on another file where the one that it names is missing and a lesson tells where to look."""
    if action.tool != "read_file" or _folder().has(action.path):
        return action
    words = '"{}"'.format(action.path.replace('"', " "))
    lessons = [one for one in ctx.memory.recall(words, action.tool) if one.context == action.path]
    if not lessons:
        return action
    newest = max(lessons, key=lambda lesson: lesson.created_at)
    return action.model_copy(update={"path": newest.lesson, "asked": action.path})


def _seen(ctx: LordContext, action: Action) -> tuple[str, bool]:
    """Return what an action has shown, and whether it failed; what can be learnt from that is remembered."""
    folder = _folder()
    try:
        return TOOLS[action.tool](folder, action), False
    except FileNotFoundError:
        return _missing(ctx, folder, action), True
    except (Refused, OSError) as error:
        return str(error), True


def _missing(ctx: LordContext, folder: Folder, action: Action) -> str:
    """Return what to say of a path that is not there; remember the file that may be meant by it."""
    asked = action.asked or action.path
    near = folder.nearest(asked) if action.tool == "read_file" else None
    if near is None:
        return f"{asked} is not there"
    ctx.memory.remember(asked, near, action.tool, confidence=1)
    return f"{asked} is not there; {near} may be meant"


def _thought(action: Action) -> str:
    return f"{action.asked} is not there; I have learnt to look here" if action.asked else "the goal asks for it"


def _one_plan_more(state: AgentState | None) -> AgentState:
    """Return the planner's state after one more plan: the number of its plans, over all quests."""
    plans = int(state.state_data) if state else 0
    return AgentState(agent_id="forge_planner", name="planner", state_data=str(plans + 1))
