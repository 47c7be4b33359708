"""What becomes of a key of what Lords remember by a replay or a fork, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

#: Most keys that are told of in words; more are only counted.
MAX_TOLD = 20


class Fate(StrEnum):
    """What becomes of a key."""

    #: It goes back.
    REWOUND = "rewound"
    #: It stays, since somebody else has saved it since.
    KEPT = "kept"
    #: It stays, since shared keys were to stay.
    LEFT = "left"
    #: A fork has a copy of its own.
    COPIED = "copied"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What becomes of a key that steps have written which no longer count.

    Parameters:
      fate: what becomes of it.
      kind: what it is, as "agent state".
      key_prefix: its key prefix, "" for none.
      key: its name.
      version: its newest version before.
      to: the version whose content it has then, where that is another; None: nothing is there.
      quest_id: the quest whose step has written that newest version; None outside of steps.
    """

    fate: Fate
    kind: str
    key_prefix: str
    key: str
    version: int
    to: int | None
    quest_id: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)

    def __str__(self) -> str:
        if self.fate is Fate.KEPT:
            writer = "what was saved outside of quests" if self.quest_id is None else f"quest {self.quest_id}"
            return f"{self.key}: v{self.version} of {writer} builds on it; kept"
        if self.fate is Fate.LEFT:
            return f"{self.key}: left at v{self.version}, as it is"
        then = "nothing" if self.to is None else f"v{self.to}"
        if self.fate is Fate.COPIED and not self.version:
            return f"{self.key}: a copy of its own, without what was added since"
        if self.fate is Fate.COPIED:
            return f"{self.key}: a copy of its own, of {then}; the shared one is at v{self.version}"
        return f"{self.key}: v{self.version} goes back to {then}"


def in_words(changes: Sequence[KeyChange]) -> list[str]:
    """Return a line for each key; of very many, most are only counted."""
    lines = [f"{change.kind} {change}" for change in changes[:MAX_TOLD]]
    return lines if len(changes) <= MAX_TOLD else [*lines, f"{len(changes) - MAX_TOLD:,} more keys"]
