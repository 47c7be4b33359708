"""What an erasure has removed, and where else there may be copies of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased of a subject.

    Parameters:
      subject: the subject.
      fingerprint: what the audit calls it: it tells of nobody who does not know the subject.
      quests: how many quests were of it.
      rows: how many rows of each table were removed, or emptied.
      exports: files that some of the quests were exported to.
      backups: backups of the whole store that were made since the first of the quests was.
      dry_run: whether nothing was removed, and this is only what would be.
    """

    subject: str
    fingerprint: str
    quests: int
    rows: dict[str, int]
    exports: list[str]
    backups: list[str]
    dry_run: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)
