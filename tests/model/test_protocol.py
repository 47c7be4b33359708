"""The protocol holds in every world that can be reached, and each of its guards is needed for that."""

import pytest

from tests.model.explore import STUCK, explore
from tests.model.guards import GUARDS
from tests.model.protocol import Protocol
from tests.model.world import Rules

#: The bounds that are explored to the end, each wide in another direction.
VIEWS = {
    "a fault and a verb": Rules(faults=1, verbs=1, looks=1),
    "two faults and two sweeps at once": Rules(faults=2, verbs=0, bells=1),
    "two verbs and three steps": Rules(faults=0, verbs=2, looks=1, steps=3),
}
#: Wide enough for every mutant to be caught.
CATCHING = Rules(faults=2, verbs=1, bells=1)
#: Where a mutant needs other bounds to be caught: only the third step is in a queue of its own.
OF_ITS_OWN = {"hand.queue": Rules(faults=0, verbs=0, bells=1, steps=3)}
#: Narrow enough to be explored often.
NARROW = Rules(faults=1, verbs=1, looks=1, bells=1)
#: The longest way to a broken invariant that a mutant may need.
LONGEST_TRACE = 9

NEEDED = [name for name, guard in GUARDS.items() if not guard.spare]
SPARE = [name for name, guard in GUARDS.items() if guard.spare]


@pytest.mark.parametrize("view", VIEWS)
def test_the_protocol_holds_in_every_world(view: str) -> None:
    explored = explore(Protocol(VIEWS[view]))
    print(explored)  # noqa: T201  (`pytest -rP` shows the trace)
    assert explored.broken is None, str(explored)
    assert explored.states > 10_000, "the bounds are too narrow to mean anything"


@pytest.mark.parametrize("name", NEEDED)
def test_without_this_guard_an_invariant_breaks(name: str) -> None:
    explored = explore(Protocol(OF_ITS_OWN.get(name, CATCHING), without=frozenset({name})))
    print(explored)  # noqa: T201  (`pytest -rP` shows the trace)
    assert explored.broken, f"the model holds without {name}: it is too small, or the guard is to be marked as spare"
    assert 0 < len(explored.trace) <= LONGEST_TRACE


def test_the_spare_guards_are_defence_in_depth_even_all_together() -> None:
    explored = explore(Protocol(NARROW, without=frozenset(SPARE)))
    assert explored.broken is None, f"one of these is needed after all: {SPARE}\n{explored}"


@pytest.mark.parametrize("lacking", ["redispatch", "look", "enter", "due"])
def test_without_this_repair_a_quest_is_stuck(lacking: str) -> None:
    explored = explore(Protocol(Rules(faults=1, verbs=0, looks=1), lacking=frozenset({lacking})))
    print(explored)  # noqa: T201  (`pytest -rP` shows the trace)
    assert explored.broken == STUCK
    assert explored.trace
