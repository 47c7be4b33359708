import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.dialects import Overtime
from questline_persistence.store import Committer, slow_lane
from questline_persistence.store import committer as committer_module
from questline_persistence.store.slow_lane import MAX_TRIES
from tests.unit.persistence.store.committed import Store, Told
from tests.waiting import eventually


class Slow:
    """A store for which negative items take too long, alone as among others, until they have been tried so often.

    Nothing that is tried slowly comes to an end before the store is `open`.
    """

    def __init__(self, *, tries: int, blocked: bool = False) -> None:
        self.tries, self.blocked = tries, blocked
        self.open = threading.Event()
        self.alone: list[int] = []
        self.again: list[int] = []

    def flush(self, items: Sequence[int]) -> Sequence[int]:
        if min(items) < 0:
            raise Overtime("canceling statement due to statement timeout", blocked=self.blocked)
        return [2 * item for item in items]

    def once_more(self, item: int) -> int:
        self.again.append(item)
        return self.flush([item])[0]

    def slowly(self, item: int) -> int:
        assert self.open.wait(30)
        self.alone.append(item)
        if item < 0 and self.alone.count(item) < self.tries:
            raise Overtime("canceling statement due to statement timeout", blocked=self.blocked)
        return 2 * item


def _one_batch(committer: Committer[int, int], items: Sequence[int]) -> None:
    """Post items that are committed together."""
    with committer._leading:
        for number in items:
            committer.post(number)
    committer._pass_on()


def test_an_item_that_takes_too_long_keeps_no_other_waiting() -> None:
    store = Slow(tries=2)
    committer = Committer[int, int](store.flush, slowly=store.slowly)
    with ThreadPoolExecutor(3) as pool:
        with committer._leading:
            slow, *others = [pool.submit(committer.submit, number) for number in (-1, 1, 2)]
            eventually(lambda: len(committer._waiting) == 3)
        committer._pass_on()

        assert [other.result(30) for other in others] == [2, 4], "they went with the slow one"
        assert committer.submit(3) == 6
        assert not slow.done()
        store.open.set()
        assert slow.result(30) == -2


def test_what_took_too_long_in_a_batch_is_tried_alone_in_short_before_it_gets_long_tries() -> None:
    store, told = Slow(tries=3), Told()
    committer = Committer[int, int](store.flush, told, abs, store.once_more, store.slowly)
    _one_batch(committer, (-3, 1, 2))
    eventually(lambda: told.ends == [(1, 2), (2, 4)], message="they wait for the slow one")
    store.open.set()
    committer.drain()

    assert store.again == [1, 2, -3], "the smallest first"
    assert store.alone == [-3] * 3
    assert told.ends[2:] == [(-3, -6)]


def test_what_took_too_long_alone_gets_its_long_tries_at_once() -> None:
    store = Slow(tries=1)
    committer = Committer[int, int](store.flush, again=store.once_more, slowly=store.slowly)
    store.open.set()

    assert committer.submit(-1) == -2
    assert (store.again, store.alone) == ([], [-1])


def test_a_batch_that_was_taken_aside_keeps_nobody_from_posting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_BEHIND", 3)
    tried, go_on = threading.Event(), threading.Event()

    def again(item: int) -> int:
        tried.set()
        assert go_on.wait(30)
        return 2 * item

    store, told = Slow(tries=1), Told()
    committer = Committer[int, int](store.flush, told, again=again, slowly=store.slowly)
    _one_batch(committer, (-1, 1, 2))
    assert tried.wait(30)
    for number in (3, 4):
        committer.post(number)
    eventually(lambda: told.ends == [(3, 6), (4, 8)], message="they wait for those aside")
    go_on.set()
    committer.drain()
    assert (committer._behind.count, committer._aside.count) == (0, 0)


def test_a_post_waits_while_too_many_are_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_ASIDE", 2)
    store, told = Slow(tries=1), Told()
    committer = Committer[int, int](store.flush, told, slowly=store.slowly)
    for number in (-1, -2):
        committer.post(number)
        eventually(lambda number=number: committer._aside.count == -number)
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(committer.post, 1)
        eventually(lambda: committer._changed._waiters)  # type: ignore[attr-defined]
        assert told.ends == []
        store.open.set()
        posting.result(30)
    committer.drain()
    assert sorted(told.ends) == [(-2, -4), (-1, -2), (1, 2)]


def test_an_item_that_always_takes_too_long_fails_after_a_few_tries() -> None:
    store, told = Slow(tries=1_000), Told()
    committer = Committer[int, int](store.flush, told, slowly=store.slowly)
    store.open.set()
    committer.post(-1)
    committer.drain()
    with pytest.raises(Overtime):
        committer.submit(-2)

    assert store.alone == [-1] * MAX_TRIES + [-2] * MAX_TRIES
    assert isinstance(told.ends[0][1], Overtime)


def test_an_item_that_takes_too_long_when_its_batch_has_failed_is_taken_aside_as_well() -> None:
    store, told = Slow(tries=1), Told()

    def flush(items: Sequence[int]) -> Sequence[int]:
        if len(items) > 1:
            raise ValueError("one of them is bad")
        return store.flush(items)

    committer = Committer[int, int](flush, told, slowly=store.slowly)
    _one_batch(committer, (-1, 1))
    store.open.set()
    committer.drain()

    assert store.alone == [-1]
    assert sorted(told.ends) == [(-1, -2), (1, 2)]


def test_an_item_that_is_taken_aside_is_told_of_once_however_soon_it_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, told = Slow(tries=1), Told()
    committer = Committer[int, int](store.flush, told, slowly=store.slowly)
    store.open.set()
    # The lane is so quick that it has committed the item before its batch is told of.
    monkeypatch.setattr(
        committer._slow_lane, "put", lambda entries: [committer._commit_slowly(entry) for entry in entries]
    )
    committer.post(-1)
    committer.drain()
    eventually(lambda: not committer._leading.locked())

    assert told.ends == [(-1, -2)]
    assert committer._behind.count == committer._aside.count == 0


def test_an_item_that_waits_for_a_lock_is_tried_until_the_lock_is_gone() -> None:
    store = Slow(tries=10 * MAX_TRIES, blocked=True)
    committer = Committer[int, int](store.flush, slowly=store.slowly)
    store.open.set()

    assert committer.submit(-1) == -2


def test_the_slow_lane_begins_anew_after_it_was_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_lane, "IDLE_SECONDS", 0.0)
    store = Slow(tries=1)
    committer = Committer[int, int](store.flush, slowly=store.slowly)
    store.open.set()
    for number in (-1, -2):
        assert committer.submit(number) == 2 * number
        eventually(lambda: not committer._slow_lane._running)


def test_an_item_for_which_the_system_has_no_thread_fails_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_self: object) -> None:
        raise RuntimeError("can't start new thread")

    store = Slow(tries=1)
    committer = Committer[int, int](store.flush, slowly=store.slowly)
    monkeypatch.setattr(slow_lane.SlowLane, "_start", no_thread)
    with pytest.raises(RuntimeError, match="new thread"):
        committer.submit(-1)

    assert committer.submit(1) == 2


def test_a_large_item_keeps_no_other_waiting_and_waits_for_none_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committer_module, "LARGE", 100)
    go_on = threading.Event()
    store, told = Slow(tries=1), Told()

    def again(item: int) -> int:
        assert item < 100 or go_on.wait(30)
        return store.once_more(item)

    committer = Committer[int, int](store.flush, told, abs, again, store.slowly)
    for number in (-1, 100, 1):
        committer.post(number)
    eventually(lambda: told.ends == [(1, 2)], message="it waits for the large one")
    go_on.set()
    eventually(lambda: told.ends == [(1, 2), (100, 200)], message="the large one waits for the slow one")
    store.open.set()
    committer.drain()

    assert (told.ends[2:], store.alone) == ([(-1, -2)], [-1])


def test_without_a_lane_a_large_item_goes_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "LARGE", 100)
    assert Committer[int, int](Store().flush, size=lambda number: number).submit(100) == 200
