"""A work queue in which threads keep items for themselves."""

import threading
from queue import Empty

import pytest

from questline_worker.steps import WorkQueue


@pytest.fixture
def queue() -> WorkQueue:
    queue = WorkQueue()
    queue.put(1)
    return queue


def test_what_a_thread_kept_comes_first_and_once(queue: WorkQueue) -> None:
    queue.keep(2)
    assert [queue.get(), queue.get()] == [2, 1]
    with pytest.raises(Empty):
        queue.get(timeout=0.001)


def test_another_thread_does_not_get_it(queue: WorkQueue) -> None:
    found = list[int]()
    queue.keep(0)
    other = threading.Thread(target=lambda: found.append(queue.get()))
    other.start()
    other.join()
    assert found == [1]
    assert queue.get() == 0


def test_what_is_withdrawn_is_neither_got_nor_waited_for(queue: WorkQueue) -> None:
    for number in (5, 2, 4):
        queue.put(number)
    queue.keep(6)
    assert sorted(queue.withdraw(lambda item: item % 2 == 0)) == [2, 4]
    assert [queue.get() for _ in range(3)] == [6, 1, 5]
    for _ in range(3):
        queue.task_done()
    queue.join()


def test_a_kept_item_counts_as_unfinished_until_it_is_done(queue: WorkQueue) -> None:
    queue.keep(2)
    for _ in range(2):
        assert queue.unfinished_tasks
        queue.get()
        queue.task_done()
    queue.join()
