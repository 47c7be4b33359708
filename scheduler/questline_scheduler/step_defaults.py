"""What a Lord's declaration says about steps that do not say it themselves: queue, time-out, attempts.

They are filled in when a step is submitted or pushed by a process that has imported the Lord; the step in
the store is complete, so that every worker treats it alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from questline_persistence.models import LordStep
from questline_scheduler.declarations import restored


@dataclass(frozen=True, slots=True)
class StepDefaults:
    """Defaults for the steps of one Lord and tool; None leaves the general default in place.

    Parameters:
      queue: the queue that they wait in.
      timeout_seconds: the longest that one attempt may take.
      max_attempts: how many failures one may have.
    """

    queue: str | None = None
    timeout_seconds: float | None = None
    max_attempts: int | None = None


_DEFAULTS: dict[str, StepDefaults] = {}


def declare(handler: str, defaults: StepDefaults) -> None:
    """Set the defaults of a handler.

    Parameters:
      handler: its name, as `lord:tool`.
      defaults: for the steps that name it.
    """
    _DEFAULTS[handler] = defaults


def restored_defaults(function_of: Callable[[str], object]) -> AbstractContextManager[None]:
    """Take back, behind the block, what defaults were set in it, as `restored` does.

    Parameters:
      function_of: returns the function of a handler.
    """
    return restored(_DEFAULTS, lambda name, _: function_of(name))


def declared_queues() -> set[str]:
    """Return the queues that Lords of this process have been declared for."""
    return {defaults.queue for defaults in _DEFAULTS.values() if defaults.queue is not None}


def complete(steps: Iterable[LordStep]) -> list[LordStep]:
    """Return the steps, each with its Lord's defaults for what it does not set."""
    if not _DEFAULTS:
        return [*steps]
    return [_completed(step) for step in steps]


def _completed(step: LordStep) -> LordStep:
    """Return a step with its Lord's defaults; what it says itself goes before them, be it the general default."""
    defaults = _DEFAULTS.get(step.handler)
    if defaults is None:
        return step
    update = {
        name: value
        for name in ("queue", "timeout_seconds", "max_attempts")
        if name not in step.model_fields_set and (value := getattr(defaults, name)) is not None
    }
    return step.model_copy(update=update) if update else step
