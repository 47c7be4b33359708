"""What people see of what Lords remember, where the key is not there."""

from collections.abc import Callable

import pytest

from questline_persistence.errors import EncryptionError
from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, Event, Task, WorkflowContext
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States
from questline_persistence.payload import CLEAR, HIDDEN
from tests.contract.codec.conftest import CANARY, stored
from tests.contract.codec.test_quests import HIDDEN_OBJECT
from tests.contract.quests import Workbench
from tests.payload_codec import sealing


def remember(kept: Kept) -> None:
    states = States(kept)
    states.save_agent_state(AgentState(agent_id="p", state_data=CANARY, metadata={"x": CANARY}))
    states.save_event(Event(event_id="e", session_id="s", event_type="said", content=CANARY, metadata={"x": CANARY}))
    states.save_task(Task(task_id="t", title=CANARY, description=CANARY))
    states.start_session("p", session_id="of p", mission=CANARY)
    TodoLists(kept).save_todolist("l", "s", [CANARY])
    Lessons(kept).remember(CANARY, CANARY, "tool", 7)
    Contexts(kept).save_context(
        WorkflowContext(
            workflow_id="w", epic_num=1, feature="f", workflow_name="n", current_phase="p", decisions={"x": CANARY}
        )
    )


def test_whoever_looks_sees_that_it_is_encrypted(open_bench: Callable[..., Workbench]) -> None:
    bench, keyless = open_bench(codec=sealing("alpha")), open_bench(codec=CLEAR).database
    remember(Kept(bench.database, "default"))
    kept = Kept(keyless, "default", shown=True)
    states = States(kept)
    agent, (event,), task = states.load_agent_state("p"), states.get_events("s"), states.get_task("t")
    (session,), (lesson,) = states.get_sessions("p"), Lessons(kept).recall()
    todo, context = TodoLists(kept).load_todolist("l"), Contexts(kept).load_context("w")

    assert CANARY not in stored(keyless)
    assert agent is not None
    assert todo is not None
    assert context is not None
    assert task is not None
    assert (agent.state_data, agent.metadata) == (event.content, event.metadata) == (HIDDEN, HIDDEN_OBJECT)
    assert (task.title, task.description, session.mission, lesson.lesson) == (HIDDEN,) * 4
    assert (todo.plan, context.decisions, context.feature) == (HIDDEN_OBJECT, HIDDEN_OBJECT, "f")


def test_whoever_goes_on_from_it_is_refused(open_bench: Callable[..., Workbench]) -> None:
    remember(Kept(open_bench(codec=sealing("alpha")).database, "default"))

    with pytest.raises(EncryptionError, match="'alpha'"):
        States(Kept(open_bench(codec=CLEAR).database, "default")).load_agent_state("p")


def test_a_state_is_restored_from_what_was_sealed(open_bench: Callable[..., Workbench]) -> None:
    kept = Kept(open_bench(codec=sealing("alpha")).database, "default")
    remember(kept)
    states = States(kept)
    snapshot_id = states.create_snapshot("p", "before")
    states.save_agent_state(AgentState(agent_id="p", state_data="later"))

    assert states.restore_snapshot(snapshot_id).state_data == CANARY
    assert states.restore_agent_state("p", 2).state_data == "later"
    assert CANARY not in stored(kept.database)
