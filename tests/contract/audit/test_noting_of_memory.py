"""What people do to the states of agents is in the audit; what steps do is told by their own history."""

from collections.abc import Callable

import pytest

from questline_persistence.memory import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from tests.contract.quests import ACTOR, Workbench, lost_reply


@pytest.fixture
def states(bench: Workbench) -> States:
    """The states of a person, one of which has two versions."""
    found = States(Kept(bench.database, bench.namespace, actor=ACTOR))
    for data in ("first", "second"):
        found.save_agent_state(AgentState(agent_id="planner", state_data=data))
    return found


def told(bench: Workbench) -> list[tuple[str, str | None, str]]:
    return [(entry.verb, entry.subject, entry.actor) for entry in bench.audit()]


@pytest.mark.parametrize(
    "restore",
    [
        lambda states: states.restore_agent_state("planner", 1),
        lambda states: states.restore_snapshot(states.create_snapshot("planner")),
    ],
)
def test_a_restored_state_leaves_one_entry(
    bench: Workbench, states: States, restore: Callable[[States], object]
) -> None:
    restore(states)

    assert told(bench) == [("state restore", "planner", "ada")]


def test_a_restore_whose_reply_was_lost_leaves_one_entry(bench: Workbench, states: States) -> None:
    with lost_reply(bench.database):
        states.restore_agent_state("planner", 1)

    assert told(bench) == [("state restore", "planner", "ada")]


def test_a_purged_state_leaves_one_entry(bench: Workbench, states: States) -> None:
    states.purge_agent("planner")

    assert told(bench) == [("state purge", "planner", "ada")]


def test_saving_a_state_leaves_no_entry(bench: Workbench, states: States) -> None:
    states.update_agent_status("planner", "done")
    states.delete_agent("planner")

    assert told(bench) == []
