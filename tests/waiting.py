"""Waiting for a condition in a test: bounded, by polling, never by a bare sleep."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def eventually(
    predicate: Callable[[], T],
    *,
    timeout: float = 10.0,
    interval: float = 0.02,
    message: str = "the condition never held",
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """Poll `predicate` until it is truthy and return what it returned; fail after `timeout` seconds.

    An exception of a type in `ignoring` counts as "not yet", for example while a server restarts.
    """
    deadline = time.monotonic() + timeout
    pause = Event()
    while True:
        last: object
        try:
            last = value = predicate()
            if value:
                return value
        except ignoring as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"{message} (waited {timeout:g} s, last: {last!r})")
        pause.wait(interval)
