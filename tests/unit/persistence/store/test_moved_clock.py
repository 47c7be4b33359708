from collections.abc import Iterator

import pytest

from questline_persistence import schema
from questline_persistence.errors import ConfigurationError
from questline_persistence.recovery import Register, Sweep, WorkerCard
from questline_persistence.store import Database

YEAR = 365 * 86_400.0


@pytest.fixture
def store() -> Iterator[Database]:
    store = Database(":memory:")
    yield store
    store.close()


def test_the_clock_of_a_store_in_memory_can_be_moved_on(store: Database) -> None:
    before = store.clock.now()
    store.move_clock(YEAR)
    store.move_clock(YEAR)

    assert store.clock.now() - before == pytest.approx(2 * YEAR, abs=30)


def test_statements_go_by_the_same_clock(store: Database) -> None:
    schema.ensure(store)
    register, sweep = Register(store, "default"), Sweep(store, "default")
    register.enter(WorkerCard("w", "p", "host", 1, 1, ("default",)), YEAR)
    store.move_clock(2 * YEAR)
    assert sweep.lease_over(store.clock.now())

    assert register.renew("w", YEAR)

    assert not sweep.lease_over(store.clock.now())


def test_it_goes_on_only(store: Database) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        store.move_clock(-0.1)


def test_the_clock_of_a_store_that_others_use_stays_as_it_is(database_url: str) -> None:
    store = Database(database_url)

    with pytest.raises(ConfigurationError, match="not this process's to move"):
        store.move_clock(0.0)
    store.close()
