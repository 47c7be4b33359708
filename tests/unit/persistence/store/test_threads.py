"""Threads that come and go with their calls."""

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import CancelledError

import pytest

from questline_persistence.store import Threads, threads
from tests.waiting import eventually


def _named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_a_call_returns_what_its_function_returns_or_raises() -> None:
    some = Threads("some", 1)
    assert some.submit(divmod, 7, 2).result(10) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        some.submit(divmod, 7, 0).result(10)
    some.close()


def test_there_are_as_many_threads_as_calls_at_once_and_no_more_than_the_limit() -> None:
    some, gate, here = Threads("counted", 3), threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        here.release()
        gate.wait(10)

    assert not _named("counted")
    futures = [some.submit(hold) for _ in range(5)]
    assert all(here.acquire(timeout=10) for _ in range(3))
    assert (len(_named("counted")), some.busy) == (3, 5)
    gate.set()
    for future in futures:
        future.result(10)
    assert len(_named("counted")) <= 3
    some.close()
    eventually(lambda: not _named("counted"))


def test_one_thread_is_enough_for_calls_that_follow_each_other() -> None:
    some = Threads("single", 10)
    for _ in range(50):
        some.submit(int).result(10)
        assert some.join(10)
    assert len(_named("single")) == 1
    some.close()


def test_a_thread_that_has_nothing_to_do_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    some = Threads("idle", 10)
    some.submit(int).result(10)
    eventually(lambda: not _named("idle"))
    assert some.submit(int).result(10) == 0, "they take no call any more"


def test_a_thread_that_steps_aside_lets_another_take_its_place() -> None:
    some, gate, here = Threads("aside", 1, aside=2), threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        with some.stepped_aside():
            here.release()
            gate.wait(10)

    for _ in range(3):
        some.submit(hold)
        assert here.acquire(timeout=10)
    third = some.submit(int)
    assert (len(_named("aside")), some.busy) == (3, 4), "the third may not step aside"
    gate.set()
    assert third.result(10) == 0
    assert some.join(10)
    eventually(lambda: len(_named("aside")) == 1, message="those whose place was taken did not end")
    some.close()


def test_a_call_that_waits_begins_when_a_thread_steps_aside() -> None:
    some, gate, go, begun = Threads("waiting", 1, aside=1), threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go.wait(10)
        with some.stepped_aside():
            gate.wait(10)

    some.submit(hold)
    assert begun.wait(10)
    second = some.submit(int)
    assert not second.done()
    go.set()
    assert second.result(10) == 0
    gate.set()
    assert some.join(10)
    some.close()


def test_a_thread_that_steps_aside_where_the_system_gives_no_other_leaves_the_count_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_self: object) -> None:
        raise RuntimeError("can't start new thread")

    some, begun, go = Threads("none", 1, aside=1), threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go.wait(10)
        with some.stepped_aside():
            pytest.fail("there was a thread")

    first = some.submit(hold)
    assert begun.wait(10)
    second = some.submit(int)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        go.set()
        with pytest.raises(RuntimeError, match="new thread"):
            first.result(10)
    assert second.result(10) == 0
    assert some.join(10)
    assert (some._under_way, some._aside) == (0, 0)
    some.close()


def test_a_call_that_was_withdrawn_is_not_made() -> None:
    some, gate, made = Threads("withdrawn", 1), threading.Event(), threading.Event()
    first = some.submit(gate.wait, 10)
    second = some.submit(made.set)
    assert second.cancel()
    gate.set()
    assert first.result(10)
    assert some.join(10)
    assert not made.is_set()
    some.close()


def test_closing_withdraws_what_waits_and_lets_the_rest_end() -> None:
    some, gate, begun = Threads("closing", 1), threading.Event(), threading.Event()
    first, second = some.submit(lambda: (begun.set(), gate.wait(10))), some.submit(int)
    assert begun.wait(10)
    some.close()
    with pytest.raises(CancelledError):
        second.result(10)
    with pytest.raises(RuntimeError, match="closed"):
        some.submit(int)
    assert not some.join(0.01)
    gate.set()
    assert some.join(10)
    assert first.result(10) == (None, True)
    eventually(lambda: not _named("closing"))
    some.close()


def test_an_idle_thread_keeps_nothing_of_its_last_call() -> None:
    class Thing: ...

    some, thing = Threads("keeping", 1), Thing()
    gone = weakref.ref(thing)
    assert some.submit(lambda one: one, thing).result(10) is thing
    assert some.join(10)
    del thing
    gc.collect()
    eventually(lambda: gone() is None)
    some.close()


def test_a_call_that_hangs_keeps_no_program_from_ending() -> None:
    code = (
        "import threading; from questline_persistence.store import Threads\n"
        "begun = threading.Event(); some = Threads('hanging', 1)\n"
        "some.submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
