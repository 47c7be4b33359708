from collections.abc import Callable

import pytest

from questline_persistence.recovery import low_water
from questline_persistence.recovery.low_water import CHEAP_SECONDS, LONGEST_SECONDS, MARGIN_SECONDS, LowWater

NOW = 1_000_000.0


class Index:
    """Times at which something is due, and the times from which looks began; each look takes `takes` seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *times: float, takes: float = 0.02) -> None:
        self.times = [*times]
        self.begun: list[float] = []
        self.takes = takes
        self.clock = 0.0
        monkeypatch.setattr(low_water.time, "monotonic", lambda: self.clock)

    def first_due(self, since: float) -> float | None:
        self.begun.append(since)
        self.clock += self.takes
        return min((time for time in self.times if since <= time <= NOW), default=None)


@pytest.fixture
def index_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Index]:
    return lambda *times, **options: Index(monkeypatch, *times, **options)


def test_a_look_begins_where_the_one_before_it_saw_nothing(index_of: Callable[..., Index]) -> None:
    index, low = index_of(), LowWater()

    assert [low.look(index.first_due, now=NOW) for _ in range(4)] == [False] * 4
    assert index.begun == [0.0, 0.0, NOW - MARGIN_SECONDS, NOW - MARGIN_SECONDS]


def test_what_was_seen_and_left_is_seen_again(index_of: Callable[..., Index]) -> None:
    index, low = index_of(NOW - 500, NOW - 100), LowWater()

    assert [low.look(index.first_due, now=NOW) for _ in range(4)] == [True] * 4
    assert index.begun == [0.0, 0.0, NOW - 500, NOW - 500]
    assert low.mark == NOW - 500


def test_what_is_committed_a_little_late_is_seen_by_the_next_look(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of())
    index.times.append(NOW - MARGIN_SECONDS)

    assert low.look(index.first_due, now=NOW)


def test_what_is_committed_very_late_is_seen_by_the_next_whole_look(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of(takes=1.0))
    index.times.append(1.0)

    assert not low.look(index.first_due, now=NOW)
    index.clock += LONGEST_SECONDS
    assert low.look(index.first_due, now=NOW)


def test_whole_looks_take_a_hundredth_of_the_time_at_most(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of(takes=0.02))
    index.begun.clear()
    began = index.clock
    while index.clock < began + 60.0:
        low.look(index.first_due, now=NOW)
        index.clock += 0.25

    assert 0.4 < sum(index.takes for since in index.begun if since == 0.0) <= 0.6


def test_a_look_that_costs_nothing_is_a_whole_one(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of(takes=CHEAP_SECONDS / 2))
    low.look(index.first_due, now=NOW)

    assert index.begun == [0.0] * 3


def test_a_single_look_that_takes_long_is_followed_by_a_whole_one(index_of: Callable[..., Index]) -> None:
    index, low = index_of(takes=CHEAP_SECONDS / 2), LowWater()
    low.look(index.first_due, now=NOW)
    index.takes = 1.0
    low.look(index.first_due, now=NOW)
    low.look(index.first_due, now=NOW)

    assert index.begun == [0.0] * 3


def test_the_look_after_an_error_is_a_whole_one(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of())

    def fail(_since: float) -> float | None:
        raise OSError("the store is away")

    with pytest.raises(OSError, match="away"):
        low.look(fail, now=NOW)
    low.look(index.first_due, now=NOW)

    assert index.begun == [0.0] * 3


def test_a_clock_that_was_put_back_hides_nothing(index_of: Callable[..., Index]) -> None:
    index, low = seen(index_of())
    low.look(index.first_due, now=NOW - 3600)

    assert index.begun[-1] == NOW - 3600 - MARGIN_SECONDS


def seen(index: Index) -> tuple[Index, LowWater]:
    """Return an index and the mark of two whole looks at it."""
    low = LowWater()
    for _ in range(2):
        low.look(index.first_due, now=NOW)
    return index, low
