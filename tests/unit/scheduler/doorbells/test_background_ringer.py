import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest

from questline_persistence.claims import Doorbell
from questline_scheduler.doorbells import BackgroundRinger, Ringer, background_ringer
from tests.waiting import eventually

LONG = 30.0


class Bells:
    """A ringer that may stall, or fail."""

    def __init__(self) -> None:
        self.rung: list[list[str]] = []
        self.answers = threading.Event()
        self.answers.set()
        self.error: Exception | None = None

    def ring(self, bells: Sequence[Doorbell]) -> bool:
        self.rung.append([bell.quest_id for bell in bells])
        assert self.answers.wait(LONG)
        if self.error is not None:
            raise self.error
        return True


@pytest.fixture
def bells() -> Bells:
    return Bells()


def ringer_of(bells: Any) -> BackgroundRinger:
    return BackgroundRinger(cast("Ringer", bells))


def some(*names: str) -> list[Doorbell]:
    return [Doorbell(name, 0, "0001") for name in names]


def test_whoever_asks_does_not_wait_and_what_comes_meanwhile_is_rung_in_one_go(bells: Bells) -> None:
    ringer = ringer_of(bells)
    bells.answers.clear()
    ringer.ring(some("a"))
    eventually(lambda: bells.rung == [["a"]])
    ringer.ring(some("b"))
    ringer.ring(some("c", "d"))
    assert not ringer.drain(0.0)
    bells.answers.set()
    assert ringer.drain(LONG)
    assert bells.rung == [["a"], ["b", "c", "d"]]


def test_bells_for_which_there_is_no_room_are_left_to_the_relay(bells: Bells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_ringer, "MAX_WAITING", 2)
    ringer = ringer_of(bells)
    bells.answers.clear()
    ringer.ring(some("a"))
    eventually(lambda: bells.rung == [["a"]])
    for name in ("b", "c", "d", "e"):
        ringer.ring(some(name))
    bells.answers.set()
    assert ringer.drain(LONG)
    assert bells.rung == [["a"], ["b", "c"]]


def test_an_error_of_ours_does_not_end_the_ringing(bells: Bells, caplog: pytest.LogCaptureFixture) -> None:
    ringer = ringer_of(bells)
    bells.error = ZeroDivisionError("a mistake of ours")
    ringer.ring(some("a"))
    assert ringer.drain(LONG)
    bells.error = None
    ringer.ring(some("b"))
    assert ringer.drain(LONG)
    assert bells.rung == [["a"], ["b"]]
    assert "ringing_failed" in caplog.text


def test_nothing_to_ring_starts_no_thread(bells: Bells) -> None:
    ringer = ringer_of(bells)
    ringer.ring([])
    assert ringer._thread is None
    assert ringer.drain(0.0)
