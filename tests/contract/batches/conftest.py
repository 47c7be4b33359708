from collections.abc import Callable

import pytest

from questline_persistence.batches import BatchBook, BatchOrder, BatchVerb, BatchWork
from questline_persistence.records import QuestFilter
from questline_scheduler.doorbells import Ringer, open_broker
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.contract.quests import ACTOR, Workbench


def order(verb: str, status: str | None = None, **options: object) -> BatchOrder:
    """Return a verb over the quests of the type that tests use."""
    return BatchOrder(BatchVerb(verb), QuestFilter(status, quest_type="test"), **options)  # type: ignore[arg-type]


@pytest.fixture
def book(bench: Workbench) -> BatchBook:
    return BatchBook(bench.database, bench.namespace, ACTOR)


@pytest.fixture
def runner_on() -> Callable[..., BatchRunner]:
    """A function that returns what carries out a bench's batches, as another process would."""

    def on(bench: Workbench, *, longest_run: float = 60.0) -> BatchRunner:
        ringer = Ringer(open_broker("memory://", namespace=bench.namespace), bench.bells)
        return BatchRunner(BatchWork(bench.database, bench.namespace), ringer, longest_run=longest_run)

    return on


@pytest.fixture
def runner(bench: Workbench, runner_on: Callable[..., BatchRunner]) -> BatchRunner:
    return runner_on(bench)
