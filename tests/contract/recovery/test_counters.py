from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from questline_persistence.errors import StoreUnavailable
from questline_persistence.recovery import Counter, Counters
from questline_persistence.schema import counts
from tests.contract.quests import LONG, Workbench, statements


@pytest.fixture
def counters(bench: Workbench) -> Counters:
    return bench.counters


def test_counters_begin_at_nothing(bench: Workbench) -> None:
    assert bench.repository.get_counters() == dict.fromkeys(
        ("workers_lost", "claims_freed", "results_fenced", "redispatched"), 0
    )


def test_what_is_counted_is_added_up(bench: Workbench, counters: Counters) -> None:
    for number in (1, 2):
        counters.add(Counter.REDISPATCHED, number)
    counters.add(Counter.WORKERS_LOST, 5)

    found = bench.repository.get_counters()
    assert (found["redispatched"], found["workers_lost"], found["claims_freed"]) == (3, 5, 0)


def test_nothing_is_written_where_there_is_nothing_to_count(bench: Workbench, counters: Counters) -> None:
    with statements(bench.database) as sent:
        counters.add(Counter.RESULTS_FENCED, 0)

    assert sent == []


def test_processes_that_count_at_once_lose_none(bench: Workbench, counters: Counters) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: counters.add(Counter.CLAIMS_FREED, 1), range(40)))

    assert bench.repository.get_counters()["claims_freed"] == 40


def test_a_store_that_is_away_costs_the_count_and_nothing_else(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    for way in ("write", "statement"):
        monkeypatch.setattr(counters.database, way, away)

    counters.add(Counter.CLAIMS_FREED, 1)


def test_a_counter_that_somebody_has_locked_holds_nobody_up(postgres_url: str) -> None:
    bench = Workbench(postgres_url)
    counters = bench.counters
    counters.database.patience = LONG
    counters.add(Counter.CLAIMS_FREED, 1)
    with counters.database.engine.begin() as other:
        other.execute(update(counts).values(number=7))
        counters.add(Counter.CLAIMS_FREED, 1)  # would wait for ever
    assert counters.totals()["claims_freed"] == 7
    bench.close()


def test_i11_namespaces_count_for_themselves(bench: Workbench, counters: Counters) -> None:
    counters.add(Counter.WORKERS_LOST, 1)
    other = Counters(bench.database, "other")
    other.add(Counter.WORKERS_LOST, 10)

    assert (counters.totals()["workers_lost"], other.totals()["workers_lost"]) == (1, 10)
