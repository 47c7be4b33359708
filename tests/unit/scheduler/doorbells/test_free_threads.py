"""How much a process may fetch, on consumers that say what they have in hand."""

import pytest

from questline_scheduler.doorbells import PATIENCE_SECONDS, FreeThreads, free_threads


class Sharer:
    """A consumer with so many messages in hand."""

    def __init__(self, in_hand: int) -> None:
        self.in_hand = in_hand
        self.looks = 0

    def look_again(self) -> None:
        self.looks += 1


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 100.0
        monkeypatch.setattr(free_threads.time, "monotonic", lambda: self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def threads(clock: Clock) -> FreeThreads:  # noqa: ARG001  (it is read from the start)
    return FreeThreads()


def test_there_is_nothing_to_spare_before_anybody_consumes_and_after_they_retire(threads: FreeThreads) -> None:
    assert threads.spare() == 0
    threads.share("a", Sharer(0), 4)
    assert threads.spare() == 4
    threads.retire()
    assert threads.spare() == 0


def test_no_thread_is_idle_for_anybody_while_fetching_is_paused(threads: FreeThreads) -> None:
    threads.share("a", Sharer(1), 4)
    threads.pause(paused=True)
    assert (threads.idle(), threads.spare()) == (0, 0)
    threads.pause(paused=False)
    assert (threads.idle(), threads.spare()) == (3, 3)


def test_all_queues_share_the_threads(threads: FreeThreads) -> None:
    threads.share("a", Sharer(3), 4)
    threads.share("b", Sharer(2), 4)
    assert threads.spare() == -1
    assert threads.spare(waiting=2) == -3


def test_a_new_consumer_takes_the_place_of_the_one_before_it(threads: FreeThreads) -> None:
    threads.share("a", Sharer(4), 4)
    threads.share("a", Sharer(1), 4)
    assert threads.spare() == 3


def test_as_much_as_was_done_lately_may_be_fetched_ahead(threads: FreeThreads, clock: Clock) -> None:
    threads.share("a", Sharer(4), 4)
    threads.note_done()
    threads.note_done()
    assert (threads.idle(), threads.spare()) == (0, 2)
    clock.seconds += PATIENCE_SECONDS / 2
    threads.note_done()
    assert threads.spare() == 3
    clock.seconds += PATIENCE_SECONDS / 2
    assert threads.spare() == 1
    clock.seconds += PATIENCE_SECONDS
    assert threads.spare() == 0


def test_whoever_waits_for_a_thread_hears_of_the_first_after_a_while_alone(threads: FreeThreads, clock: Clock) -> None:
    sharer = Sharer(4)
    threads.share("a", sharer, 4)
    threads.note_done()
    threads.note_done()
    assert sharer.looks == 1
    clock.seconds += PATIENCE_SECONDS
    threads.note_done()
    assert sharer.looks == 2
