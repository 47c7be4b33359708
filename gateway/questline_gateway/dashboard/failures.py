"""Failed quests by their error: the same first line is one row, with how many quests have it, first and last."""

from __future__ import annotations

from dataclasses import dataclass

from questline_gateway.dashboard import told
from questline_gateway.dashboard.visit import Visit
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestFilter
from questline_persistence.states import ExecutionStatus

#: The newest failed quests, so many, are looked at.
MAX_LOOKED = 200
#: So much of an error is searched for: what is behind may differ from quest to quest.
MAX_SEARCHED = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that failed quests have in common.

    Parameters:
      error: its first line, which says what it is.
      quests: the quests, the newest first.
      first: when the first of them ended, in epoch seconds.
      last: when the last of them did.
    """

    error: str
    quests: tuple[QuestExecutionData, ...]
    first: float
    last: float

    @property
    def name(self) -> str:
        """The type of the error, which stands before the first colon."""
        return self.error.partition(":")[0]

    @property
    def message(self) -> str:
        """What the error says of itself."""
        return self.error.partition(":")[2].strip()

    @property
    def query(self) -> dict[str, str]:
        """The parts of an address, or of a form, that mean its quests."""
        return {"status": str(ExecutionStatus.FAILED), "error": self.error[:MAX_SEARCHED], "since": "any"}


def failures(visit: Visit) -> list[Failure]:
    """Return the errors of the newest failed quests, the most frequent first."""
    page = visit.here.repository.page(QuestFilter(ExecutionStatus.FAILED), limit=MAX_LOOKED)
    groups: dict[str, list[QuestExecutionData]] = {}
    for quest in page.items:
        if quest.error:
            groups.setdefault(told.first_line(visit.shown("error", quest.error)), []).append(quest)
    found = [_failure(error, several, visit.now) for error, several in groups.items()]
    return sorted(found, key=lambda one: (-len(one.quests), -one.last))


def _failure(error: str, quests: list[QuestExecutionData], now: float) -> Failure:
    ended = [told.epoch(quest.end_time) or now for quest in quests]
    return Failure(error, tuple(quests), min(ended), max(ended))
