"""Waiting for an end, a quest's above all: how often to look, and what to answer."""

from __future__ import annotations

import time

from questline_persistence.arguments import Length, seconds
from questline_persistence.errors import QuestFailed, WaitTimeout
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.states import AT_REST, ExecutionStatus
from questline_scheduler.pauses import growing_pauses

#: First and longest wait between two looks at a quest that is waited for, in seconds.
LOOK_FIRST, LOOK_LONGEST = 0.005, 0.25


class PacedWait:
    """A wait whose owner makes the pauses between its looks.

    Parameters:
      timeout: the longest to wait, in seconds or as a timedelta; None waits for as long as it takes.
      first: the first pause, in seconds.
      longest: the longest pause, in seconds.

    Raises:
      PayloadError: `timeout` is no length of time.
    """

    def __init__(self, timeout: Length | None, first: float, longest: float) -> None:
        self._timeout = None if timeout is None else seconds(timeout, "timeout")
        self._began = time.monotonic()
        self._pauses = growing_pauses(first, longest)
        #: How long to wait before the next look, in seconds.
        self.pause = 0.0

    def _out_of_time(self) -> float | None:
        """Set the pause before the next look; return the timeout, in seconds, if that look would come too late."""
        self.pause = next(self._pauses)
        if self._timeout is not None and time.monotonic() - self._began + self.pause > self._timeout:
            return self._timeout
        return None


class Wait(PacedWait):
    """One wait for a quest: looks, and pauses in between that its owner makes.

    Parameters:
      repository: where to look.
      quest_id: the quest.
      timeout: the longest to wait, in seconds or as a timedelta; None waits for as long as it takes.

    Raises:
      PayloadError: `timeout` is no length of time.
    """

    def __init__(self, repository: QuestRepository, quest_id: str, timeout: Length | None) -> None:
        super().__init__(timeout, LOOK_FIRST, LOOK_LONGEST)
        self._repository = repository
        self._quest_id = quest_id

    def look(self) -> QuestExecutionData | None:
        """Return the quest if it is completed, None if it goes on.

        Raises:
          QuestFailed: it failed, was cancelled or is paused.
          WaitTimeout: it will go on for longer than is to be waited.
        """
        status = self._repository.status(self._quest_id)
        if status in AT_REST:
            return _completed(self._repository.load_quest(self._quest_id))
        if (waited := self._out_of_time()) is not None:
            raise WaitTimeout.of(self._quest_id, status, waited)
        return None


def _completed(quest: QuestExecutionData) -> QuestExecutionData:
    if quest.status is ExecutionStatus.COMPLETED:
        return quest
    why = quest.error or quest.reason
    message = f"quest {quest.quest_id} {quest.status.told}" + (f": {why}" if why else "")
    raise QuestFailed(message, status=quest.status, hint=f"to see why, run: questline show {quest.quest_id}")
