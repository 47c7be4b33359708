"""What a handler may raise to say how its step goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

#: Longest wait that a handler may ask for, in seconds.
MAX_AFTER_SECONDS = 30 * 86_400


def _seconds(after: float | timedelta) -> float:
    """Return a wait that a handler asks for, in seconds, or raise ValueError."""
    seconds = after.total_seconds() if isinstance(after, timedelta) else after
    if not isinstance(seconds, int | float):
        raise ValueError(f"after is seconds or a timedelta, not {after!r:.100}")  # noqa: TRY004  (one error for all)
    if not 0 <= seconds <= MAX_AFTER_SECONDS:
        raise ValueError(f"after must be 0 to {MAX_AFTER_SECONDS:,} seconds, not {after}")
    return float(seconds)


class Permanent(Exception):
    """Raised by a handler: this step can never succeed, so the quest fails without another attempt.

    What it is raised with is recorded as the error.

    Example:
      raise Permanent("the account is closed")
    """


class OnceMismatch(Permanent):
    """A handler calls `ctx.once` otherwise than an earlier attempt of the same step did, so no result can be trusted.

    The step fails without another attempt. The calls of a step must have the same names in the same order in each of
    its attempts; those of the handler's other tasks may come in any order. Let them depend on the step's input, on
    outputs and on recorded results alone, not on chance or the time. A replay from the step makes them anew.
    """


class Retry(Exception):
    """Raised by a handler: try again, after `after` seconds if given, else after the usual back-off.

    It spends an attempt, like any failure.

    Parameters:
      message: what to record as the error.
      after: seconds, or a timedelta; 0 to 30 days. None means the usual back-off.

    Raises:
      ValueError: `after` is out of range.

    Example:
      raise Retry("the service is starting", after=30)
    """

    def __init__(self, message: str = "asked to be tried again", *, after: float | timedelta | None = None) -> None:
        super().__init__(message)
        self.after = None if after is None else _seconds(after)


class Snooze(Exception):
    """Raised or returned by a handler: run this step again after `after` seconds, because it cannot be done yet.

    It spends no attempt and is no error, however often it happens: for polling, and for a service that says when to
    come back (HTTP 429 and 503).

    Parameters:
      after: seconds, or a timedelta; 0 to 30 days.

    Raises:
      ValueError: `after` is out of range.

    Example:
      raise Snooze(after=30)
    """

    def __init__(self, after: float | timedelta) -> None:
        self.after = _seconds(after)
        super().__init__(f"asked to be put off by {self.after:g} s")


class StepCancelled(BaseException):
    """Raised inside a handler that asks whether to go on, when its attempt no longer counts.

    Let it pass: clean up in `finally`, and do not catch it. It is not an `Exception`, so that a handler's own
    `except Exception` lets it pass.
    """


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that a group holds, however deep; an error that is no group is its own."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error
