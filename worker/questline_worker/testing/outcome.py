"""What a test learns of one attempt of a step."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from questline_persistence.claims import Claim, Failed, Snoozed, Succeeded
from questline_persistence.claims import Outcome as Ended
from questline_persistence.costs import Cost
from questline_persistence.memory.step import Remembering
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.payload import decode
from questline_persistence.records import QuestRepository
from questline_persistence.states import StepStatus
from questline_persistence.step_log import LineKind, LogLine
from questline_persistence.writes import Pushes


class Outcome:
    """One attempt of one step, once it is over: what came of it, and what it has left in the store.

    Its `quest` is the quest as it is now.

    Parameters:
      claim: the hold on the step.
      ended: how the handler ended.
      quest: the quest as it is now.
      lines: what its step has said since it was claimed.
      spent: what it has spent.
      repository: the store, which stays open for as long as this object is there, if it is this object's own.
      close: closes the store; None where it is not ours to close.

    Example:
      assert outcome.status == "success"
      assert outcome.quest.run_data["architect"] == outcome.output
    """

    def __init__(
        self,
        claim: Claim,
        ended: Ended,
        quest: QuestExecutionData,
        *,
        lines: Sequence[LogLine],
        spent: Cost,
        repository: QuestRepository,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._ended = ended
        self._kept = Remembering(repository.database, claim.namespace, claim.quest_id)
        self._position = claim.position
        self._lines = tuple(line for line in lines if line.claim_id == claim.claim_id)
        self._spent = spent
        self.quest = quest
        if close is not None:
            weakref.finalize(self, close)

    @property
    def status(self) -> StepStatus:
        """Where the step is now: success, error, or queued for its next attempt."""
        return next(step.status for step in self.quest.steps if step.position == self._position)

    @property
    def output(self) -> Any:
        """What the handler returned, as later Lords read it.

        Raises:
          AssertionError: the attempt was no success; the message is what it met.
        """
        if not isinstance(self._ended, Succeeded):
            raise AssertionError(self.error or repr(self))  # noqa: TRY004  (it is a test that fails)
        return decode(self._ended.output)

    @property
    def error(self) -> str | None:
        """What is recorded as the error, with its traceback; None if there was none."""
        return self._ended.error if isinstance(self._ended, Failed) else None

    @property
    def retry_in(self) -> float | None:
        """In how many seconds the step runs again, be it tried again or put off; None if it does not."""
        if isinstance(self._ended, Snoozed):
            return self._ended.after
        return self._ended.retry_in if isinstance(self._ended, Failed) else None

    @property
    def snoozed(self) -> bool:
        """Whether the handler put the step off, which spends no attempt."""
        return isinstance(self._ended, Snoozed)

    @property
    def pushed(self) -> tuple[LordStep, ...]:
        """The steps that it added behind this one; none unless it succeeded."""
        writes = self._ended.also if isinstance(self._ended, Succeeded) else ()
        return tuple(step for write in writes if isinstance(write, Pushes) for step in write.steps)

    @property
    def emitted(self) -> tuple[Any, ...]:
        """What the handler gave to `ctx.emit`, in its order, also where it failed later."""
        return tuple(line.value for line in self._lines if line.kind is LineKind.DATA)

    @property
    def logged(self) -> tuple[str, ...]:
        """The messages of `ctx.log`, in their order."""
        return tuple(line.message or "" for line in self._lines if line.kind is LineKind.LOG)

    @property
    def spent(self) -> Cost:
        """What the handler told `ctx.cost`, added up, also where it failed."""
        return self._spent

    @property
    def state(self) -> Any:
        """The states of agents after the attempt, read as `LordContext.state` reads them."""
        return self._kept.noun("state")

    @property
    def events(self) -> Any:
        """The events after the attempt, read as `LordContext.events` reads them."""
        return self._kept.noun("events")

    @property
    def context(self) -> Any:
        """The workflow contexts after the attempt, read as `LordContext.context` reads them."""
        return self._kept.noun("context")

    @property
    def todos(self) -> Any:
        """The to-do lists after the attempt, read as `LordContext.todos` reads them."""
        return self._kept.noun("todos")

    @property
    def history(self) -> Any:
        """The execution history after the attempt, read as `LordContext.history` reads it."""
        return self._kept.noun("history")

    @property
    def memory(self) -> Any:
        """The lessons after the attempt, read as `LordContext.memory` reads them."""
        return self._kept.noun("memory")

    def __repr__(self) -> str:
        said = f", error={self.error.splitlines()[0]!r}" if self.error else ""
        again = "" if self.retry_in is None else f", retry_in={self.retry_in:g}"
        return f"Outcome({self.status.value}{said}{again})"
