import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_scheduler.monitoring.fresh import Fresh


def test_many_who_ask_share_one_look() -> None:
    looked: list[int] = []
    go_on = threading.Event()

    def look() -> int:
        looked.append(1)
        assert go_on.wait(10)
        return len(looked)

    fresh = Fresh(look, keep=600, wait=10)
    with ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(fresh.get) for _ in range(5)]
        go_on.set()
        assert {each.result() for each in asked} == {1}
    assert fresh.get() == 1
    assert looked == [1]


def test_what_is_old_is_looked_at_again() -> None:
    looked: list[int] = []
    fresh = Fresh(lambda: looked.append(1), keep=0, wait=10)
    fresh.get()
    fresh.get()
    assert looked == [1, 1]


def test_a_look_that_hangs_holds_nobody_up_and_is_not_begun_again() -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def hang() -> str:
        begun.append(1)
        assert go_on.wait(10)
        return "at last"

    fresh = Fresh(hang, keep=600, wait=0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            fresh.get()
    assert begun == [1]
    go_on.set()
    fresh._wait = 10
    assert fresh.get() == "at last"


def test_an_error_is_everybody_s() -> None:
    def fail() -> None:
        raise LookupError("gone")

    fresh = Fresh(fail, keep=600, wait=10)
    for _ in range(2):
        with pytest.raises(LookupError, match="gone"):
            fresh.get()
