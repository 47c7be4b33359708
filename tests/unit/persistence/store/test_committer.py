import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.dialects import Overtime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.store import Committer, slow_lane
from questline_persistence.store import committer as committer_module
from questline_persistence.store.slow_lane import MAX_TRIES
from tests.waiting import eventually


class Store:
    """Doubles what it is given; negative numbers break the batch they are in. It can be made to wait."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.error: Exception = ValueError("negative")

    def flush(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.open.wait(30)
        if min(items) < 0:
            raise self.error
        return [item * 2 for item in items]


def test_an_idle_committer_commits_at_once_in_the_caller_s_thread() -> None:
    threads = []
    committer = Committer[int, int](lambda items: threads.append(threading.get_ident()) or [1 for _ in items])

    assert committer.submit(1) == 1
    assert threads == [threading.get_ident()]


def test_what_comes_during_a_commit_is_committed_together_and_everybody_gets_his_own() -> None:
    store = Store()
    committer = Committer[int, int](store.flush)
    store.open.clear()
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(committer.submit, 0)
        eventually(lambda: store.batches)
        others = [pool.submit(committer.submit, number) for number in range(1, 10)]
        eventually(lambda: len(committer._waiting) == 9)
        store.open.set()

        assert first.result(30) == 0
        assert [one.result(30) for one in others] == [number * 2 for number in range(1, 10)]
    assert [len(batch) for batch in store.batches] == [1, 9]


def test_a_bad_item_fails_alone() -> None:
    store = Store()
    committer = Committer[int, int](store.flush)
    store.open.clear()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(committer.submit, 0)
        eventually(lambda: store.batches)
        others = {number: pool.submit(committer.submit, number) for number in (-1, 5, 7)}
        eventually(lambda: len(committer._waiting) == 3)
        store.open.set()

        assert (first.result(30), others[5].result(30), others[7].result(30)) == (0, 10, 14)
        with pytest.raises(ValueError, match="negative"):
            others[-1].result(30)


def test_a_store_that_cannot_be_reached_fails_all_without_another_try_for_each() -> None:
    store = Store()
    store.error = StoreUnavailable("gone")
    committer = Committer[int, int](store.flush)
    store.open.clear()
    with ThreadPoolExecutor(4) as pool:
        pool.submit(committer.submit, 0)
        eventually(lambda: store.batches)
        others = [pool.submit(committer.submit, number) for number in (-1, 5, 7)]
        eventually(lambda: len(committer._waiting) == 3)
        store.open.set()
        errors = [one.exception(30) for one in others]

    assert [type(error) for error in errors] == [StoreUnavailable] * 3
    assert len(store.batches) == 2


def test_a_failed_item_leaves_the_committer_usable() -> None:
    store = Store()
    committer = Committer[int, int](store.flush)

    with pytest.raises(ValueError, match="negative"):
        committer.submit(-1)
    assert committer.submit(4) == 8


def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_BATCH", 3)
    store = Store()
    committer = Committer[int, int](store.flush)
    store.open.clear()
    with ThreadPoolExecutor(11) as pool:
        running = [pool.submit(committer.submit, 0)]
        eventually(lambda: store.batches)
        running += [pool.submit(committer.submit, number) for number in range(1, 11)]
        eventually(lambda: len(committer._waiting) == 10)
        store.open.set()
        assert [one.result(30) for one in running] == [number * 2 for number in range(11)]

    assert [len(batch) for batch in store.batches] == [1, 3, 3, 3, 1]


def test_a_batch_of_large_items_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_SIZE", 10)
    store = Store()
    committer = Committer[int, int](store.flush, size=lambda number: number)
    store.open.clear()
    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(committer.submit, 0)]
        eventually(lambda: store.batches)
        for count, number in enumerate((4, 4, 4, 100, 1), start=1):
            running.append(pool.submit(committer.submit, number))
            eventually(lambda count=count: len(committer._waiting) == count)
        store.open.set()
        assert [one.result(30) for one in running] == [0, 8, 8, 8, 200, 2]
    assert store.batches == [[0], [4, 4, 4], [100], [1]]


def test_no_item_is_left_behind_however_the_threads_meet() -> None:
    store = Store()
    committer = Committer[int, int](store.flush)

    def many(start: int) -> list[int]:
        return [committer.submit(start + number) for number in range(300)]

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(many, start * 1_000) for start in range(8)]
        found = [one.result(30) for one in results]

    assert found == [[(start * 1_000 + number) * 2 for number in range(300)] for start in range(8)]
    assert sum(len(batch) for batch in store.batches) == 8 * 300


class Told:
    """Collects what became of posted items, and may be made to wait or to fail."""

    def __init__(self) -> None:
        self.ends: list[tuple[int, int | BaseException]] = []
        self.error: Exception | None = None

    def __call__(self, ends: Sequence[tuple[int, int | BaseException]]) -> None:
        self.ends += ends
        if self.error is not None:
            raise self.error


def test_a_posted_item_is_committed_in_another_thread_and_told_of() -> None:
    store, told = Store(), Told()
    committer = Committer[int, int](store.flush, told)
    store.open.clear()
    committer.post(1)  # returns although nothing can be committed
    assert told.ends == []
    store.open.set()
    committer.drain()
    assert told.ends == [(1, 2)]


def test_what_is_posted_while_another_commits_is_passed_on() -> None:
    store, told = Store(), Told()
    committer = Committer[int, int](store.flush, told)
    store.open.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(committer.submit, 0)
        eventually(lambda: store.batches)
        committer.post(1)
        second = pool.submit(committer.submit, 2)
        eventually(lambda: len(committer._waiting) == 2)
        store.open.set()
        assert (first.result(30), second.result(30)) == (0, 4)
    committer.drain()
    assert told.ends == [(1, 2)], "only what was posted is told of"
    assert store.batches == [[0], [1, 2]]


def test_a_post_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_BEHIND", 3)
    store, told, posted = Store(), Told(), list[int]()
    committer = Committer[int, int](store.flush, told)
    store.open.clear()

    def post_all() -> None:
        for number in range(8):
            committer.post(number)
            posted.append(number)

    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post_all)
        eventually(lambda: len(posted) == 3 and committer._room._waiters)  # type: ignore[attr-defined]
        assert committer._behind.count == 3
        store.open.set()
        posting.result(30)
    committer.drain()
    assert sorted(told.ends) == [(number, 2 * number) for number in range(8)]


def test_a_post_waits_while_what_is_behind_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "MAX_SIZE", 10)
    store, told = Store(), Told()
    committer = Committer[int, int](store.flush, told, size=lambda number: number)
    store.open.clear()
    committer.post(4)
    committer.post(100)
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(committer.post, 1)
        eventually(lambda: committer._room._waiters)  # type: ignore[attr-defined]
        store.open.set()
        posting.result(30)
    committer.drain()
    assert sorted(told.ends) == [(1, 2), (4, 8), (100, 200)]
    assert committer._behind.size == 0


def test_the_thread_survives_whatever_leaves_the_one_who_is_told(caplog: pytest.LogCaptureFixture) -> None:
    store, told = Store(), list[int]()

    def leave_once(ends: Sequence[tuple[int, int | BaseException]]) -> None:
        told.extend(item for item, _ in ends)
        if len(told) == 1:
            raise SystemExit(3)

    committer = Committer[int, int](store.flush, leave_once)
    for number in (1, 2):
        committer.post(number)
        committer.drain()
    assert told == [1, 2]
    eventually(lambda: "committer_stumbled" in caplog.text)


def test_a_bad_posted_item_is_told_of_with_its_error_and_the_others_with_their_results() -> None:
    store, told = Store(), Told()
    committer = Committer[int, int](store.flush, told)
    store.open.clear()
    committer.post(0)
    eventually(lambda: store.batches)
    for number in (-1, 5):
        committer.post(number)
    store.open.set()
    committer.drain()
    found = dict(told.ends)
    assert (found[0], found[5]) == (0, 10)
    assert isinstance(found[-1], ValueError)


def test_whoever_cannot_bear_to_be_told_does_not_stop_the_committer(caplog: pytest.LogCaptureFixture) -> None:
    store, told = Store(), Told()
    told.error = ValueError("no")
    committer = Committer[int, int](store.flush, told)
    committer.post(1)
    committer.drain()
    told.error = None
    committer.post(2)
    committer.drain()
    assert told.ends == [(1, 2), (2, 4)]
    assert "settling_failed" in caplog.text


def test_a_drain_with_nothing_posted_returns_at_once() -> None:
    Committer[int, int](lambda items: items).drain()


def test_no_posted_item_is_left_behind_however_the_threads_meet() -> None:
    store, told = Store(), Told()
    committer = Committer[int, int](store.flush, told)

    def many(start: int) -> None:
        for number in range(200):
            (committer.post if number % 2 else committer.submit)(start + number)

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(many, start * 1_000) for start in range(4)]:
            one.result(60)
    committer.drain()
    expected = [start * 1_000 + number for start in range(4) for number in range(200) if number % 2]
    assert sorted(told.ends) == [(number, 2 * number) for number in expected]


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
        eventually(lambda: committer._room._waiters)  # type: ignore[attr-defined]
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
