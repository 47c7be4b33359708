"""What handlers of a fork find under the names that others share: what was there at the fork, whatever came later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.memory import Kept
from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.looking import quest_difference
from questline_persistence.memory.models import AgentState, Event, Task, WorkflowContext
from questline_persistence.memory.states import States
from questline_persistence.memory.step import Remembering
from tests.contract.lessons import step
from tests.contract.quests import Workbench
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


@dataclass(frozen=True)
class Shared:
    """A thing that quests share under the name "ours": how a handler writes and reads it, and how a program does."""

    kind: str
    noun: str
    write: Callable[[Any, str], object]
    read: Callable[[Any], object]
    outside: Callable[[Kept], Any] = States

    def by(self, bench: Workbench, quest_id: str) -> Remembering:
        return Remembering(bench.database, bench.namespace, quest_id)

    def step(self, bench: Workbench, quest_id: str, word: str) -> None:
        own = self.by(bench, quest_id)
        self.write(own.noun(self.noun), word)
        step(bench, quest_id, *own.writes)

    def seen(self, bench: Workbench, quest_id: str) -> object:
        return self.read(self.by(bench, quest_id).noun(self.noun))

    def shared(self, bench: Workbench) -> Any:
        return self.outside(Kept(bench.database, bench.namespace))


def saved_context(contexts: Any, word: str) -> None:
    contexts.save_context(
        WorkflowContext(workflow_id="ours", epic_num=1, feature="f", workflow_name="w", current_phase=word)
    )


def loaded_context(contexts: Any) -> object:
    found = contexts.load_context("ours")
    return found.workflow_id, found.current_phase


STATE = Shared(
    "agent state",
    "state",
    lambda states, word: states.save_agent_state(AgentState(agent_id="ours", status=word)),
    lambda states: states.load_agent_state("ours").status,
)
TASK = Shared(
    "task",
    "state",
    lambda states, word: states.save_task(Task(task_id="ours", title=word)),
    lambda states: states.get_task("ours").title,
)
CONTEXT = Shared("workflow context", "context", saved_context, loaded_context, Contexts)
TRANSITION = Shared(
    "agent state",
    "state",
    lambda states, word: states.record_state_transition("ours", None, word),
    lambda states: [one.state_after for one in reversed(states.get_state_history("ours"))],
)
EVENT = Shared(
    "session",
    "events",
    lambda events, word: events.save_event(Event(session_id="ours", event_type="said", content=word)),
    lambda events: [one.content for one in events.get_events("ours")],
)
VERSIONED = pytest.mark.parametrize("thing", [STATE, TASK, CONTEXT], ids=["state", "task", "context"])
ADDED = pytest.mark.parametrize("thing", [TRANSITION, EVENT], ids=["transition", "event"])


def forked(bench: Workbench, quest_id: str, start: str = "b") -> list[str]:
    restart = bench.controls.fork(quest_id, StartingPoint(start), {}, new_id="fork")[1]
    return [key.kind for key in restart.keys]


@VERSIONED
def test_a_fork_reads_what_was_there_and_saves_a_copy_of_its_own(bench: Workbench, thing: Shared) -> None:
    quest_id = bench.submit("a", "b", "c")
    thing.step(bench, quest_id, "first")
    at_the_fork = thing.seen(bench, quest_id)
    thing.step(bench, quest_id, "second")
    assert forked(bench, quest_id) == [thing.kind]
    thing.write(thing.shared(bench), "others")
    others = thing.read(thing.shared(bench))

    assert thing.seen(bench, "fork") == at_the_fork
    assert thing.seen(bench, quest_id) == others
    thing.step(bench, "fork", "third")
    assert thing.seen(bench, "fork") not in (at_the_fork, others)
    assert thing.seen(bench, quest_id) == thing.read(thing.shared(bench)) == others
    bench.replay("fork")
    assert thing.seen(bench, "fork") == at_the_fork

    (told,) = quest_difference(Kept(bench.database, bench.namespace), quest_id, "fork")
    assert (told.kind, told.name) == (thing.kind, "ours")
    assert told.base
    assert told.ours
    assert told.theirs
    assert (told.ours.key, told.theirs.key) == ("ours", "fork/ours")
    assert (told.base.value, told.theirs.value) == (told.theirs.value, told.base.value)
    assert told.ours.value != told.theirs.value


@ADDED
def test_a_fork_reads_what_had_been_added_and_adds_to_a_copy_of_its_own(bench: Workbench, thing: Shared) -> None:
    quest_id = bench.submit("a", "b", "c")
    thing.step(bench, quest_id, "first")
    thing.write(thing.shared(bench), "others")
    thing.step(bench, quest_id, "second")
    thing.write(thing.shared(bench), "later")
    assert forked(bench, quest_id) == [thing.kind]

    assert thing.seen(bench, "fork") == ["first", "others"]
    thing.step(bench, "fork", "third")
    assert thing.seen(bench, "fork") == ["first", "others", "third"]
    assert thing.seen(bench, quest_id) == ["first", "others", "second", "later"]
    bench.replay("fork")
    assert thing.seen(bench, "fork") == ["first", "others"]
    assert quest_difference(Kept(bench.database, bench.namespace), quest_id, "fork") == []


@ADDED
def test_a_stream_that_later_steps_have_not_added_to_stays_shared(bench: Workbench, thing: Shared) -> None:
    quest_id = bench.submit("a", "b", "c")
    thing.step(bench, quest_id, "first")
    thing.step(bench, quest_id, "second")
    bench.replay(quest_id, "b")
    assert forked(bench, quest_id, "v1") == []

    thing.step(bench, "fork", "third")
    assert thing.seen(bench, "fork") == thing.seen(bench, quest_id) == ["first", "third"]


def test_the_history_of_an_agent_goes_with_the_copy_of_its_state(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    STATE.shared(bench).save_agent_state(AgentState(agent_id="ours", status="new"))
    own = STATE.by(bench, quest_id)
    own.noun("state").update_agent_status("ours", "busy")
    step(bench, quest_id, *own.writes)
    STATE.step(bench, quest_id, "second")
    assert forked(bench, quest_id) == ["agent state"]

    assert STATE.seen(bench, "fork") == "busy"
    assert TRANSITION.seen(bench, "fork") == ["busy"]


def test_own_keys_of_one_kind_are_none_of_another(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    own = STATE.by(bench, quest_id)
    own.noun("state").own.save_agent_state(AgentState(agent_id="ours", status="own"))
    step(bench, quest_id, *own.writes)
    TASK.step(bench, quest_id, "shared")

    assert TASK.read(TASK.shared(bench)) == TASK.seen(bench, quest_id) == "shared"
    assert STATE.seen(bench, quest_id) == "own"
