"""What is remembered stays whole in every world that can be reached, and each guard is needed for that."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.model.memory.calls import Calls
from tests.model.memory.lineages import Lineages
from tests.model.memory.locks import Locking
from tests.model.memory.model import Model, explore
from tests.model.memory.saves import Saves
from tests.model.memory.steps import Steps

#: The bounds that are explored to the end, and how many states there are at least.
VIEWS: dict[str, tuple[Callable[[], Model[Any]], int]] = {
    "saves": (Saves, 4_000),
    "steps": (Steps, 25_000),
    "lineages, two replays and another writer": (Lineages, 6_000),
    "lineages, three replays": (lambda: Lineages(others=0, replays=3), 15_000),
    "locks": (Locking, 6_000),
    "calls": (Calls, 10_000),
}
#: Every guard of every model.
MUTANTS = [
    pytest.param(kind, guard, id=guard) for kind in (Saves, Steps, Lineages, Locking, Calls) for guard in kind.guards
]
#: The longest way to a broken invariant that a mutant may need.
LONGEST_TRACE = 9


@pytest.mark.parametrize("view", VIEWS)
def test_memory_stays_whole_in_every_world(view: str) -> None:
    model, floor = VIEWS[view]
    explored = explore(model())
    print(explored)  # noqa: T201  (`pytest -rP` shows the trace)
    assert explored.broken is None, str(explored)
    assert explored.states > floor, "the bounds are narrower than they were"


@pytest.mark.parametrize(("kind", "guard"), MUTANTS)
def test_without_this_guard_memory_breaks(kind: type[Model[Any]], guard: str) -> None:
    explored = explore(kind(guard))
    print(explored)  # noqa: T201  (`pytest -rP` shows the trace)
    assert explored.broken == kind.guards[guard], f"the model is too small to miss {guard}\n{explored}"
    assert 0 < len(explored.trace) <= LONGEST_TRACE
