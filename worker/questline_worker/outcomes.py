"""What a handler may raise to say how its step goes on, and how an attempt can end."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.models import LordStep

#: Longest wait that a handler may ask for, in seconds.
MAX_AFTER_SECONDS = 30 * 86_400


class Permanent(Exception):
    """Raised by a handler: this step can never succeed, so the quest fails without another attempt."""


class Retry(Exception):
    """Raised by a handler: try again, after `after` seconds if given, else after the usual back-off.

    It spends an attempt, like any failure.
    """

    def __init__(self, message: str = "asked to be tried again", *, after: float | None = None) -> None:
        super().__init__(message)
        if after is not None and not 0 <= after <= MAX_AFTER_SECONDS:
            raise ValueError(f"after must be 0 to {MAX_AFTER_SECONDS:,} seconds, not {after}")
        self.after = after


class StepCancelled(BaseException):
    """Raised inside a handler that asks whether to go on, once its claim is gone; no result will be taken.

    Not an `Exception`, so that a handler's own `except Exception` lets it pass.
    """


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned: its output as JSON text, and the steps that it pushed."""

    output: str
    pushed: tuple[LordStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised. `retry_in` is the wait before the next attempt in seconds, None if there is none."""

    error: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """The handler stopped because its claim was gone; there is nothing to write."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The handler did not begin for want of room; the step is offered again, and no attempt is spent."""


Outcome = Succeeded | Failed | Dropped | GivenBack
