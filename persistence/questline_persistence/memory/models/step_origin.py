"""Where a version or an entry came from, if a step wrote it."""

from __future__ import annotations

from typing import Any

from questline_persistence.kinds import OF_STEP
from questline_persistence.models import Record


class StepOrigin(Record):
    """The step of a quest that wrote something, and whether that still counts.

    Parameters:
      quest_id: the quest.
      epoch: the quest's replay number at that time.
      position: the step's place in the stack.
      quest_version: the version of the quest that the step's checkpoint made.
      abandoned_by: the epoch whose replay has dropped it; None while it counts.
    """

    quest_id: str
    epoch: int
    position: str
    quest_version: int
    abandoned_by: int | None = None


def origin_of(row: Any) -> StepOrigin | None:
    """Return the step that wrote a version or an entry; None outside of steps.

    Parameters:
      row: the row of it, with the columns of its origin.
    """
    if row.quest_id is None:
        return None
    return StepOrigin(**{name: getattr(row, name) for name in OF_STEP})
