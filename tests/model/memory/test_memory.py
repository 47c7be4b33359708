"""What is remembered stays whole in every world that can be reached, and each guard is needed for that."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.model.memory.lineages import Lineages
from tests.model.memory.locks import ENTRIES, HEADS, OUTBOX, QUEST_1, TICKET_1, TICKET_2, TRANSACTIONS, Lock, Locking
from tests.model.memory.model import Model, explore
from tests.model.memory.saves import Saves
from tests.model.memory.steps import Steps

#: The bounds that are explored to the end, and how many states there are at least.
VIEWS: dict[str, tuple[Callable[[], Model[Any]], int]] = {
    "saves": (Saves, 4_000),
    "steps": (Steps, 25_000),
    "lineages, two replays and another writer": (Lineages, 6_000),
    "lineages, three replays": (lambda: Lineages(others=0, replays=3), 15_000),
    "locks": (Locking, 4_000),
}
#: Every guard of every model.
MUTANTS = [pytest.param(kind, guard, id=guard) for kind in (Saves, Steps, Lineages, Locking) for guard in kind.guards]
#: The longest way to a broken invariant that a mutant may need.
LONGEST_TRACE = 7


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


@pytest.mark.parametrize(
    ("earlier", "later"), [*pairwise([TICKET_1, TICKET_2, QUEST_1[1], *HEADS, *ENTRIES, *OUTBOX])], ids=str
)
def test_a_lock_goes_before_another(earlier: Lock, later: Lock) -> None:
    assert earlier < later


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_every_transaction_takes_its_locks_in_the_one_order(name: str) -> None:
    locks = TRANSACTIONS[name]
    assert list(locks) == sorted(set(locks))
