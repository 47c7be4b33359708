"""A work queue in which threads keep items for themselves."""

import threading
from queue import Empty

import pytest

from questline_worker.work_queue import WorkQueue


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


def test_a_second_item_is_for_whoever_is_free(queue: WorkQueue) -> None:
    queue.keep(3)
    queue.keep(2)
    assert queue.qsize() == 2
    assert [queue.get() for _ in range(3)] == [3, 1, 2]


def test_a_kept_item_counts_as_unfinished_until_it_is_done(queue: WorkQueue) -> None:
    queue.keep(2)
    for _ in range(2):
        assert queue.unfinished_tasks
        queue.get()
        queue.task_done()
    queue.join()
