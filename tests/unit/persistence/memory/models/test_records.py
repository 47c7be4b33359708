"""What Lords remember, in the hands of users: fields, defaults, and what is told of a wrong one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence import kinds
from questline_persistence.errors import InvalidRecord, PayloadError
from questline_persistence.memory.models import (
    AgentState,
    Event,
    HistoryEntry,
    Memory,
    Migration,
    RunRecord,
    RunSummary,
    Session,
    StateSnapshot,
    StateTransition,
    StepOrigin,
    Task,
    TodoList,
    WorkflowContext,
    checked,
)
from questline_persistence.models import KeyedModel
from questline_persistence.states import ActorType, TaskStatus

#: The models, for callers whom no type checker has warned.
AnAgent: Any = AgentState
AnEvent: Any = Event
ATask: Any = Task
AMemory: Any = Memory
ATodoList: Any = TodoList
AContext: Any = WorkflowContext

#: One of each, with no more than it must have.
LEAST: dict[type[KeyedModel], dict[str, Any]] = {
    AgentState: {"agent_id": "planner"},
    StateTransition: {"agent_id": "planner", "state_after": "busy"},
    StateSnapshot: {"agent_id": "planner"},
    Event: {"session_id": "s1", "event_type": "tool_call"},
    Task: {"title": "Read the file README.md"},
    Session: {},
    Migration: {"version": "v0005", "name": "memory", "applied_at": "2026-11-30T12:00:00.000000Z"},
    WorkflowContext: {"epic_num": 1, "feature": "login", "workflow_name": "implement", "current_phase": "design"},
    RunRecord: {
        "run_id": "r",
        "plan_id": "p",
        "objective": "o",
        "plan_result": {},
        "execution_result": {},
        "created_at": 1.5,
    },
    RunSummary: {"run_id": "r", "plan_id": "p", "objective": "o", "success": True, "created_at": 1.5},
    TodoList: {"session_id": "s1", "plan": [{"step": "read"}]},
    HistoryEntry: {"session_id": "s1", "step_id": 1},
    Memory: {"context": "large files", "lesson": "read them in parts"},
}


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)
def test_every_record_answers_by_attribute_and_by_key(kind: type[KeyedModel]) -> None:
    record = kind(**LEAST[kind])

    assert {name: record[name] for name in kind.model_fields} == dict(record)
    with pytest.raises(KeyError):
        record["nothing"]


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)
def test_every_record_comes_back_from_its_json(kind: type[KeyedModel]) -> None:
    record = kind(**LEAST[kind])

    assert kind(**json.loads(record.model_dump_json())) == record


def test_defaults_are_what_is_known_of_something_new() -> None:
    agent, task, event, session = (
        AgentState(agent_id="planner"),
        Task(title="read"),
        Event(session_id="s1", event_type="x"),
        Session(),
    )

    assert (agent.status, agent.state_data, agent.metadata, agent.version) == ("idle", "", {}, None)
    assert (task.status, task.assigned_to, task.version) == (TaskStatus.TODO, None, None)
    assert (event.actor_type, event.seq, event.origin) == (ActorType.SYSTEM, None, None)
    assert (session.status, session.version, session.started_at) == ("pending", 0, None)
    assert TodoList(session_id="s1", plan={}).status == "pending"
    assert Memory(context="", lesson="").confidence == 0


@pytest.mark.parametrize("kind", [Task, Event, Session, TodoList, HistoryEntry, Memory, StateTransition, StateSnapshot])
def test_what_is_given_no_id_gets_one_of_its_own(kind: type[KeyedModel]) -> None:
    one, other = kind(**LEAST[kind]), kind(**LEAST[kind])
    name = next(iter(kind.model_fields))

    assert one[name] != other[name]


@pytest.mark.parametrize("written", ["todo", "Todo", "TODO", TaskStatus.TODO])
def test_a_status_may_be_written_as_other_languages_write_it(written: str) -> None:
    assert Task(title="x", status=written).status is TaskStatus.TODO


def test_words_that_are_written_together_are_told_apart() -> None:
    assert Task(title="x", status="InProgress").status is TaskStatus.IN_PROGRESS
    assert Event(session_id="s", event_type="x", actor_type="Agent").actor_type == "agent"


def test_a_record_tells_which_step_wrote_it() -> None:
    origin = StepOrigin(quest_id="q1", epoch=1, position="0003", quest_version=7)
    told = AgentState(agent_id="planner", origin=origin).to_json()["origin"]

    assert told == {"quest_id": "q1", "epoch": 1, "position": "0003", "quest_version": 7, "abandoned_by": None}
    assert {*kinds.ORIGIN} < {*StepOrigin.model_fields}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (AnAgent, "AgentState: agent_id is missing"),
        (lambda: AnAgent(agent_id=""), "AgentState: agent_id: it cannot be empty"),
        (lambda: AnAgent(agent_id="a", state="x"), "AgentState has no field 'state'"),
        (lambda: AnAgent(agent_id="a", state_data={"a": 1}), "AgentState: state_data is text, not dict"),
        (lambda: AnAgent(agent_id="a", state_data="\0"), "AgentState: state_data: '\\x00' holds a NUL character"),
        (
            lambda: AnAgent(agent_id="a", name="\udc00"),
            "AgentState: name: '\\udc00' holds half of a surrogate pair",
        ),
        (lambda: AnAgent(agent_id="a", status="x" * 256), "AgentState: status: it has 256 characters; the limit is"),
        (lambda: AnAgent(agent_id="a", metadata=[1]), "AgentState: metadata is an object, not list"),
        (
            lambda: AnEvent(session_id="s", event_type="x", actor_type="robot"),
            "Event: actor_type: it is user or agent or system, not 'robot'",
        ),
        (
            lambda: ATask(title="x", status="later"),
            "Task: status: it is todo or in_progress or done or blocked, not 'later'",
        ),
        (lambda: AMemory(context="", lesson="", confidence=0.9), "Memory: confidence is a whole number, not 0.9"),
        (
            lambda: AMemory(context="", lesson="", confidence=2**31),
            "Memory: confidence must be 2,147,483,647 or less, not 2147483648",
        ),
        (lambda: ATodoList(session_id="s", plan="x"), "TodoList: plan: it is an object or a list, not str"),
        (lambda: AContext(epic_num=1), "WorkflowContext: feature is missing"),
    ],
)
def test_a_wrong_field_is_told_in_a_sentence(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        make()
    assert caught.value.message.startswith(said)
    assert "pydantic.dev" not in caught.value.advice


def test_a_field_that_was_set_later_is_looked_at_when_the_record_is_handed_in() -> None:
    state = AgentState(agent_id="planner")
    state.status = "busy"

    assert checked(state, AgentState) == state
    state.metadata = [1]  # type: ignore[assignment]  # the mistake
    with pytest.raises(InvalidRecord, match="AgentState: metadata is an object, not list"):
        checked(state, AgentState)


@pytest.mark.parametrize("other", [{"agent_id": "planner"}, "planner", None, Task(title="x")])
def test_another_thing_is_no_record(other: object) -> None:
    with pytest.raises(PayloadError, match="this takes an object of AgentState, not "):
        checked(other, AgentState)
