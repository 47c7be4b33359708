import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_persistence.store import Committer
from questline_persistence.store import committer as committer_module
from tests.unit.persistence.store.committed import Store
from tests.waiting import eventually


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
