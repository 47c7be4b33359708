from typing import Any

import pytest

from examples.codebase_review.pace import MAX_PACE_SECONDS, NAP_SECONDS, SLICES, pace_seconds, paced


class Cancelled(Exception):
    """What a Lord's context raises when its quest was cancelled."""


class Watched:
    """A Lord's context that remembers, on a clock that only sleeping moves."""

    def __init__(self, cancel_at: float | None = None) -> None:
        self.told: list[tuple[float, str]] = []
        self.now = 0.0
        self.naps: list[float] = []
        self.cancel_at = cancel_at

    def progress(self, fraction: float, message: str, /) -> None:
        self.told.append((fraction, message))

    def raise_if_cancelled(self) -> None:
        if self.cancel_at is not None and self.now >= self.cancel_at:
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def work(self, items: list[int], seconds: float) -> list[int]:
        return list(paced(self, items, "done", seconds, clock=lambda: self.now, sleep=self.sleep))


@pytest.mark.parametrize("count", [0, 1, 7, 20, 21, 1000])
@pytest.mark.parametrize("seconds", [0.0, 4.0])
def test_every_item_is_handed_out_once_in_order(count: int, seconds: float) -> None:
    items = list(range(count))
    assert Watched().work(items, seconds) == items


def test_without_a_pace_nobody_sleeps_and_progress_is_bounded() -> None:
    watched = Watched()
    watched.work(list(range(1000)), 0.0)
    assert watched.naps == []
    assert len(watched.told) == SLICES
    assert watched.told[-1] == (1.0, "done: 1,000 of 1,000")


@pytest.mark.parametrize("count", [0, 3, 1000])
def test_a_pace_takes_its_time_however_little_there_is_to_do(count: int) -> None:
    watched = Watched()
    watched.work(list(range(count)), 10.0)
    assert watched.now == pytest.approx(10.0)
    assert max(watched.naps) <= NAP_SECONDS
    assert [fraction for fraction, _ in watched.told] == pytest.approx([n / SLICES for n in range(1, SLICES + 1)])


def test_a_cancelled_quest_stops_within_a_nap() -> None:
    watched = Watched(cancel_at=3.1)
    with pytest.raises(Cancelled):
        watched.work(list(range(100)), 10.0)
    assert watched.now <= 3.1 + NAP_SECONDS


@pytest.mark.parametrize(("value", "seconds"), [(None, 0.0), (0, 0.0), (2, 2.0), ("1.5", 1.5)])
def test_the_pace_is_read_from_the_input(value: Any, seconds: float) -> None:
    assert pace_seconds({"pace_seconds": value}) == seconds


@pytest.mark.parametrize("value", [-1, "fast", [1], float("nan"), MAX_PACE_SECONDS + 1])
def test_a_pace_that_makes_no_sense_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="pace_seconds must be a number"):
        pace_seconds({"pace_seconds": value})
