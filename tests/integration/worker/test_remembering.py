"""What handlers keep through their context: committed with the step's result, or not at all; on each kind of store."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Row

from questline_persistence.errors import ContextNotFoundError
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, WorkflowContext
from questline_persistence.memory.sessions import History, Lessons, TodoLists
from questline_persistence.memory.states import States
from questline_persistence.memory.step.buffered import MAX_BYTES
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.writes import Saves
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, Permanent, Retry, lord
from questline_worker.steps.outcome_writer import MAX_UPDATES


@pytest.fixture
def kept(repo: QuestRepository) -> Kept:
    return Kept(repo.database, "default")


def run(executor: QuestExecutor, *lords: str, status: str = "completed", **fields: Any) -> str:
    """Run a quest to its end, and return its id."""
    stack = [LordStep(name, "work", max_attempts=2, backoff_seconds=0.01) for name in lords]
    quest = QuestExecutionData(quest_type="t", execution_stack=stack, **fields)
    found = asyncio.run(executor.execute_quest(quest))
    assert found.status == status, found.error
    return quest.quest_id


def context(phase: str) -> WorkflowContext:
    return WorkflowContext(epic_num=1, feature="f", workflow_name="w", current_phase=phase)


@pytest.mark.parametrize("keep_state", [False, True])
def test_an_executors_replay_keeps_what_is_shared_if_told_so(executor: QuestExecutor, keep_state: bool) -> None:
    seen: list[Any] = []

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        seen.append([door.load_agent_state("planner") is not None for door in (ctx.state, ctx.state.own)])
        ctx.state.save_agent_state(AgentState(agent_id="planner"))
        ctx.state.own.save_agent_state(AgentState(agent_id="planner"))

    quest_id = run(executor, "a")
    asyncio.run(executor.replay_quest(quest_id, keep_state=keep_state))
    assert seen == [[False, False], [keep_state, False]]


def test_a_step_keeps_things_of_every_kind(executor: QuestExecutor, kept: Kept) -> None:
    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ctx.context.save_context(context("design"))
        ctx.todos.save_todolist("today", ["read", "write"])
        ctx.history.append(1, thought="hm", action="read")
        ctx.memory.remember("reading", "read the end first", "read", 3)
        ctx.state.save_agent_state(AgentState(agent_id="planner", status="busy"))
        ctx.state.record_state_transition("planner", "idle", "busy", "work to do")
        ctx.events.append("said", "hello")

    quest_id = run(executor, "a")
    states = States(kept)
    planner = states.load_agent_state("planner")
    assert planner is not None
    assert (planner.status, planner.version) == ("busy", 1)
    assert planner.origin is not None
    assert (planner.origin.quest_id, planner.origin.position) == (quest_id, "0001")
    assert [one.state_after for one in states.get_state_history("planner")] == ["busy"]
    assert [(one.content, one.seq, one.actor_type) for one in states.get_events(quest_id)] == [("hello", 1, "agent")]
    assert ContextPersistence(kept.database).load_context(quest_id).current_phase == "design"
    assert [one.plan for one in TodoLists(kept).list_todolists(quest_id)] == [["read", "write"]]
    assert [one.thought for one in History(kept).list(quest_id)] == ["hm"]
    assert [one.lesson for one in Lessons(kept).recall("end")] == ["read the end first"]


def test_a_step_reads_what_it_has_written_and_later_steps_do(executor: QuestExecutor) -> None:
    seen: list[Any] = []

    @lord("a", "work")
    def write(ctx: LordContext) -> None:
        with pytest.raises(ContextNotFoundError):
            ctx.context.load_context()
        for phase in ("design", "build"):
            ctx.context.save_context(context(phase))
            seen.append((ctx.context.load_context().current_phase, ctx.context.load_context().version))
        ctx.todos.save_todolist("today", [1])
        seen.append(ctx.todos.load_todolist("today").plan)

    @lord("b", "work")
    def read(ctx: LordContext) -> None:
        found = ctx.context.load_context()
        seen.append((found.current_phase, found.version))
        seen.append(ctx.todos.load_todolist("today").todolist_id)

    run(executor, "a", "b")
    assert seen == [("design", None), ("build", None), [1], ("build", 1), "today"]


@pytest.mark.parametrize("error", [ValueError("no"), Permanent("no"), Retry(after=0.01)])
def test_an_attempt_that_fails_leaves_nothing(executor: QuestExecutor, kept: Kept, error: Exception) -> None:
    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ctx.memory.remember("c", f"attempt {ctx.attempt}")
        if ctx.attempt == 1:
            raise error

    status = "failed" if isinstance(error, Permanent) else "completed"
    run(executor, "a", status=status)
    assert [one.lesson for one in Lessons(kept).recall()] == ([] if status == "failed" else ["attempt 2"])


def test_in_a_coroutine_all_of_it_is_awaited(executor: QuestExecutor, kept: Kept) -> None:
    seen: list[Any] = []

    @lord("a", "work")
    async def work(ctx: LordContext) -> None:
        await ctx.context.save_context(context("design"))
        seen.append((await ctx.context.load_context()).current_phase)
        await ctx.memory.remember("c", "l")
        seen.append([one.lesson for one in await ctx.memory.recall()])
        await ctx.state.own.save_agent_state(AgentState(agent_id="planner", status="busy"))
        seen.append((await ctx.state.own.load_agent_state("planner")).status)

    quest_id = run(executor, "a")
    assert seen == ["design", ["l"], "busy"]
    assert ContextPersistence(kept.database).load_context(quest_id).version == 1
    assert len(Lessons(kept).recall()) == 1


def test_a_quests_own_agent_goes_before_the_shared_one(executor: QuestExecutor, kept: Kept) -> None:
    seen: list[Any] = []
    shared = States(kept).save_agent_state(AgentState(agent_id="planner", state_data="shared"))

    @lord("a", "work")
    def make(ctx: LordContext) -> None:
        seen.append(ctx.state.load_agent_state("planner").state_data)
        ctx.state.own.save_agent_state(AgentState(agent_id="planner", state_data="own"))
        seen.append(ctx.state.load_agent_state("planner").state_data)

    @lord("b", "work")
    def use(ctx: LordContext) -> None:
        found = ctx.state.load_agent_state("planner")
        seen.append((found.agent_id, found.state_data))
        ctx.state.save_agent_state(found.model_copy(update={"state_data": "own again"}))

    quest_id = run(executor, "a", "b")
    assert seen == ["shared", "own", ("planner", "own")]
    assert States(kept).load_agent_state("planner") == shared
    own = States(kept).load_agent_state(f"{quest_id}/planner")
    assert own is not None
    assert (own.state_data, own.version) == ("own again", 2)


def test_an_update_in_a_step_loses_nothing(executor: QuestExecutor, kept: Kept) -> None:
    attempts: list[int] = []

    def one_more(state: AgentState | None) -> AgentState:
        return AgentState(agent_id="planner", state_data=("" if state is None else state.state_data) + ".")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        attempts.append(ctx.attempt)
        ctx.state.update("planner", one_more)
        ctx.state.update("planner", one_more)
        States(kept).update("planner", one_more)  # somebody else

    run(executor, "a")
    found = States(kept).load_agent_state("planner")
    assert found is not None
    assert (attempts, found.state_data, found.version) == ([1], "...", 2)


@pytest.mark.parametrize("first", ["save", "update"])
def test_an_update_beside_a_save_of_the_same_key_loses_neither(executor: QuestExecutor, kept: Kept, first: str) -> None:
    attempts: list[int] = []
    states = States(kept)
    states.save_agent_state(AgentState(agent_id="planner", state_data="x"))

    def one_more(state: AgentState | None) -> AgentState:
        return AgentState(agent_id="planner", state_data=("" if state is None else state.state_data) + ".")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        attempts.append(ctx.attempt)
        if first == "update":
            ctx.state.update("planner", one_more)
        found = ctx.state.load_agent_state("planner")
        ctx.state.save_agent_state(found.model_copy(update={"state_data": found.state_data + "s"}))
        ctx.state.update("planner", one_more)
        if len(attempts) == 1:
            states.save_agent_state(AgentState(agent_id="planner", state_data="y"))  # somebody else

    run(executor, "a")
    found = states.load_agent_state("planner")
    assert found is not None
    assert (attempts, found.state_data) == ([1, 1], "ys." if first == "save" else "y.s.")


def test_an_update_that_updates_another_key_is_made_once(executor: QuestExecutor, kept: Kept) -> None:
    states = States(kept)

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        def one_more(name: str) -> Callable[[AgentState | None], AgentState]:
            def add(state: AgentState | None) -> AgentState:
                if name == "outer":
                    ctx.state.update("inner", one_more("inner"))
                return AgentState(agent_id=name, state_data=("" if state is None else state.state_data) + ".")

            return add

        ctx.state.update("outer", one_more("outer"))
        if not states.list_agents():
            for name in ("inner", "outer"):  # somebody else
                states.save_agent_state(AgentState(agent_id=name, state_data="x"))

    run(executor, "a")
    assert sorted(one.state_data for one in states.list_agents()) == ["x.", "x."]


@pytest.mark.parametrize(("error", "attempts"), [(ValueError("too little"), 2), (Permanent("too little"), 1)])
def test_an_error_of_an_update_that_is_made_anew_is_the_steps_own(
    executor: QuestExecutor, kept: Kept, error: Exception, attempts: int
) -> None:
    states, called = States(kept), []

    def take(_: AgentState | None) -> AgentState:
        called.append(1)
        if len(called) % 2 == 0:
            raise error
        return AgentState(agent_id="planner")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ctx.state.update("planner", take)
        states.save_agent_state(AgentState(agent_id="planner", state_data=str(len(called))))  # somebody else

    quest_id = run(executor, "a", status="failed")
    runs = executor.repository.runs(quest_id)
    assert ["too little" in str(one.error_message) for one in runs] == [True] * attempts


def test_what_is_made_anew_counts_once_among_the_writes(executor: QuestExecutor, kept: Kept) -> None:
    states = States(kept)
    others = iter(range(MAX_UPDATES))

    def large(_: AgentState | None) -> AgentState:
        if (other := next(others, None)) is not None:
            states.save_agent_state(AgentState(agent_id="planner", state_data=str(other)))
        return AgentState(agent_id="planner", state_data="x" * (MAX_BYTES // 5))

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ctx.state.update("planner", large)

    run(executor, "a")
    found = states.load_agent_state("planner")
    assert found is not None
    assert (len(found.state_data), found.version) == (MAX_BYTES // 5, MAX_UPDATES + 1)


def save(kept: Kept, data: str, expected: int | None = None) -> None:
    body = {"state_data": data, "metadata": "{}"}
    kept.save(Saves(AGENT_STATES, kept.key("planner"), columns={"name": ""}, body=body, expected=expected))


def planner(kept: Kept, version: int | None = None) -> Row[Any]:
    row = kept.load(AGENT_STATES, "planner", version=version)
    assert row is not None
    return row


def add(kept: Kept, letter: str) -> Callable[[], None]:
    def attempt() -> None:
        row, version = kept.look(AGENT_STATES, "planner")
        save(kept, ("" if row is None else row.state_data) + letter, version)

    return attempt


def test_a_save_of_what_has_moved_runs_the_step_again_at_no_cost(executor: QuestExecutor, kept: Kept) -> None:
    attempts: list[tuple[int, str]] = []
    save(kept, "x")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        found = ctx.kept.load(AGENT_STATES, "planner").state_data
        attempts.append((ctx.attempt, found))
        if len(attempts) <= 3:
            save(kept, found + "y")  # somebody else
        save(ctx.kept, found + "z")

    quest_id = run(executor, "a")
    assert attempts == [(1, "x"), (1, "xy"), (1, "xyy"), (1, "xyyy")]
    assert planner(kept).state_data == "xyyyz"
    runs = executor.repository.runs(quest_id)
    assert [one.status for one in runs] == ["conflict"] * 3 + ["success"]
    assert "somebody else has saved it" in str(runs[0].error_message)


def test_an_update_of_what_has_moved_is_made_anew_without_the_handler(executor: QuestExecutor, kept: Kept) -> None:
    attempts: list[int] = []
    save(kept, "x")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        attempts.append(ctx.attempt)
        for letter in "zw":
            ctx.kept.updating(add(ctx.kept, letter), tries=1)
        save(kept, "xy")  # somebody else

    run(executor, "a")
    assert attempts == [1]
    assert planner(kept).state_data == "xyzw"


def test_a_save_of_what_was_never_loaded_overwrites(executor: QuestExecutor, kept: Kept) -> None:
    save(kept, "x")

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        save(kept, "y")
        save(ctx.kept, "z")

    run(executor, "a")
    assert planner(kept).state_data == "z"
    assert planner(kept, version=2).state_data == "y"


def test_many_steps_add_to_one_key_and_none_is_lost(executor: QuestExecutor, kept: Kept) -> None:
    @lord("a", "work")
    async def work(ctx: LordContext) -> None:
        ctx.kept.updating(add(ctx.kept, "."), tries=1)

    async def all_of_them() -> None:
        quests = [QuestExecutionData(quest_type="t", execution_stack=[LordStep("a", "work")] * 3) for _ in range(8)]
        found = await asyncio.gather(*map(executor.execute_quest, quests))
        assert {one.status for one in found} == {"completed"}

    asyncio.run(all_of_them())
    assert planner(kept).state_data == "." * 24
    assert planner(kept).version == 24
