"""A snapshot without what it holds, as lists show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from questline_persistence.states import SnapshotReason


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """Which snapshot it is, and why it was taken; its outputs and its stack are read one by one.

    Parameters:
      snapshot_id: its number.
      quest_id: the quest.
      version: the version of the quest's state.
      epoch: the quest's replay number at that time.
      position: the next step; None where nothing remained.
      snapshot_reason: why it was taken.
      created_at: when it was taken, as text in RFC 3339.
      parent_version: of a replay, the version that it goes back to; else None.
    """

    snapshot_id: int
    quest_id: str
    version: int
    epoch: int
    position: str | None
    snapshot_reason: SnapshotReason
    created_at: str
    parent_version: int | None = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of its fields, which are those of the columns."""
        return tuple(each.name for each in fields(cls))

    def to_json(self) -> dict[str, Any]:
        """Return the head as JSON."""
        return asdict(self) | {"snapshot_reason": str(self.snapshot_reason)}
