"""Functions that an executor's user wants called as its quests go on."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from questline_persistence.arguments import wrong_type
from questline_persistence.claims import Claim, Failed, Outcome
from questline_persistence.errors import PayloadError
from questline_persistence.log import get_logger
from questline_persistence.models import QuestExecutionData
from questline_persistence.states import ExecutionStatus

T = TypeVar("T")

log = get_logger(__name__)


class StepHooks(Protocol):
    """Told of every step that this process runs."""

    def step_started(self, claim: Claim) -> None:
        """A step was claimed and its handler is about to be called."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """The handler is done; nothing has been written yet."""

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """The end of a step was written, or came too late, so many seconds after the handler was done."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """The end of a step was written, and has brought its quest to another status."""


class AllHooks:
    """Several hooks as one, told one after the other.

    Parameters:
      hooks: them.
    """

    def __init__(self, hooks: Sequence[StepHooks]) -> None:
        self._hooks = hooks

    def step_started(self, claim: Claim) -> None:
        """Tell of a step about to run."""
        for each in self._hooks:
            each.step_started(claim)

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Tell of a step that has run."""
        for each in self._hooks:
            each.step_ended(claim, outcome)

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """Tell of a step whose end was written."""
        for each in self._hooks:
            each.step_settled(claim, seconds)

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Tell of a quest that has another status now."""
        for each in self._hooks:
            each.quest_changed(claim, status)


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One attempt of one step, as a hook is told of it.

    Parameters:
      quest_id: the quest.
      position: the step's place in the stack.
      lord_name: the Lord.
      tool_name: the tool.
      attempt: which attempt it is, from 1.
      error: what the handler raised; None while it runs and when it succeeded.
    """

    quest_id: str
    position: str
    lord_name: str
    tool_name: str
    attempt: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionHooks:
    """Functions called by a `QuestExecutor`, each or none of them; what they raise is logged, and changes nothing.

    They are plain functions: steps call them on threads, where nobody could await an async one.

    Parameters:
      on_step_start: called before a handler runs.
      on_step_end: called after it, before the result is committed; also for failed attempts.
      on_quest_end: called when a quest has stopped: completed, failed, cancelled or paused.

    Raises:
      PayloadError: one of them is no function, or an async one.

    Example:
      hooks = ExecutionHooks(on_step_end=lambda event: print(event.lord_name, event.error or "done"))
    """

    on_step_start: Callable[[StepEvent], object] | None = None
    on_step_end: Callable[[StepEvent], object] | None = None
    on_quest_end: Callable[[QuestExecutionData], object] | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            hook = getattr(self, each.name)
            if hook is not None and not callable(hook):
                raise wrong_type(hook, each.name, "a function", "give its name without calling it")
            if hook is not None and (_is_deferred(hook) or _is_deferred(type(hook).__call__)):
                raise PayloadError(
                    f"{each.name} is an async function or a generator, which questline does not run", hint=_HINT
                )

    def step_started(self, claim: Claim) -> None:
        """Tell of a step about to run."""
        if self.on_step_start is not None:
            _call(self.on_step_start, _event(claim))

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Tell of a step that has run."""
        if self.on_step_end is not None:
            _call(self.on_step_end, _event(claim, outcome.error if isinstance(outcome, Failed) else None))

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """Users are not told of commits."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """The executor tells of quests by itself, once they are read."""

    def quest_ended(self, quest: QuestExecutionData) -> None:
        """Tell of a quest that has stopped."""
        if self.on_quest_end is not None:
            _call(self.on_quest_end, quest)


def _event(claim: Claim, error: str | None = None) -> StepEvent:
    return StepEvent(claim.quest_id, claim.position, claim.lord_name, claim.tool_name, claim.attempt, error)


#: What to give instead of an async function.
_HINT = "give a plain function; it may hand work to a loop with asyncio.run_coroutine_threadsafe"


def _is_deferred(function: Callable[..., Any]) -> bool:
    """Return whether calling a function does not run its body."""
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_one(function) for is_one in kinds)


def _call(hook: Callable[[T], object], argument: T) -> None:
    """Call a hook and log what it raises, but for what interrupts the program."""
    try:
        _refuse_coroutine(hook(argument))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        log.exception("hook_failed", hook=getattr(hook, "__qualname__", type(hook).__name__))


def _refuse_coroutine(returned: object) -> None:
    """Raise TypeError if a hook turns out to be async: a lambda, or a decorator, has hidden that."""
    if inspect.iscoroutine(returned):
        returned.close()
        raise TypeError("the hook returned a coroutine, which nobody awaits")
