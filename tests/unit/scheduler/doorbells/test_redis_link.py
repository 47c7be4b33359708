"""The way to Redis is opened once, by whoever comes first."""

import itertools
import os
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from questline_scheduler.doorbells import redis_link
from questline_scheduler.doorbells.redis_link import RedisLink
from questline_scheduler.doorbells.redis_queue import RedisQueue
from tests.waiting import eventually


def test_who_waited_while_another_tried_in_vain_does_not_try_as_long_again(monkeypatch: pytest.MonkeyPatch) -> None:
    link, tries, asked, stalls = RedisLink("redis://127.0.0.1:1/0"), [], itertools.count(1), threading.Event()
    queue = RedisQueue(link, "prefix", "name")

    def stalled() -> bool:
        tries.append(threading.current_thread().name)
        stalls.wait(60)
        raise RedisTimeout("the server says nothing")

    monkeypatch.setattr(link, "_is_in_cluster", stalled)
    times: list[int] = []
    clock = SimpleNamespace(monotonic=lambda: times.append(next(asked)) or times[-1])
    monkeypatch.setattr(redis_link, "time", clock)
    with ThreadPoolExecutor(4) as pool:
        rings = [pool.submit(queue.ring, [("id", 0)]) for _ in range(4)]
        eventually(lambda: len(times) == 4)  # each has come, and one of them tries
        stalls.set()
        errors = [ring.exception(60) for ring in rings]

    assert [type(error) for error in errors] == [RedisTimeout] * 4
    assert len(tries) == 1
    with pytest.raises(RedisTimeout):  # who comes later tries for itself
        queue.ring([("id", 0)])
    assert len(tries) == 2
    link.close()


def test_a_forked_process_waits_for_no_lock_that_a_thread_of_its_parent_held(redis_url: str) -> None:
    link = RedisLink(redis_url)
    assert link.client.ping()
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with link.client.connection_pool._lock:
            held.set()
            let_go.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is what is tried here
        child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(0 if link.client.ping() else 1)
    let_go.set()
    holder.join()
    assert os.waitpid(child, 0)[1] == 0
    assert link.client.ping()
    link.close()
