from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.store import Committer
from questline_persistence.store import committer as committer_module
from tests.unit.persistence.store.committed import Store, Told
from tests.waiting import eventually


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
        eventually(lambda: len(posted) == 3 and committer._changed._waiters)  # type: ignore[attr-defined]
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
        eventually(lambda: committer._changed._waiters)  # type: ignore[attr-defined]
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
