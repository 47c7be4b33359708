"""One line of a step's log, and its place among those of its quest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.payload import decode

#: Most digits of a number in a cursor.
MAX_DIGITS = 18


class LineKind(StrEnum):
    """What a line of a step's log is.

    Parameters:
      log: a line of `ctx.log`.
      data: what `ctx.emit` was given.
      left_out: a word on lines that are missing, since they were too many.
    """

    LOG = "log"
    DATA = "data"
    LEFT_OUT = "left_out"


class Place(NamedTuple):
    """Where a line stands among those of its quest: the later claim is the one of the higher fence."""

    fence: int
    claim_id: str
    seq: int

    @property
    def cursor(self) -> str:
        """The place as text."""
        return f"{self.fence}.{self.claim_id}.{self.seq}"

    @classmethod
    def of_cursor(cls, text: str) -> Place:
        """Return the place that a cursor tells.

        Raises:
          PayloadError: it is none of ours.
        """
        fence, _, rest = text.partition(".")
        claim_id, _, seq = rest.partition(".")
        if not (_is_number(fence) and _is_number(seq) and claim_id.isalnum()):
            raise PayloadError(f"{text[:60]!r} is no cursor of a log", hint="give the next_cursor of the page before")
        return cls(int(fence), claim_id, int(seq))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a step's log.

    Parameters:
      quest_id: the quest.
      epoch: the quest's replay number.
      position: the step's place.
      attempt: which attempt of the step it was.
      claim_id: the worker's claim on the step.
      fence: the number of that claim; each claim of a quest has a higher one than those before.
      seq: the line's number within its claim.
      at: when it was said, in epoch seconds of the database.
      kind: what it is.
      level: how grave it is: "debug", "info", "warning", "error" or "critical"; None in what was emitted.
      message: its text; None in what was emitted.
      data: its fields, or what was emitted, as JSON text.
    """

    quest_id: str
    epoch: int
    position: str
    attempt: int
    claim_id: str
    fence: int
    seq: int
    at: float
    kind: LineKind
    level: str | None = None
    message: str | None = None
    data: str | None = None

    @property
    def place(self) -> Place:
        """Where it stands among the lines of its quest."""
        return Place(self.fence, self.claim_id, self.seq)

    @property
    def size(self) -> int:
        """How many characters it says."""
        return len(self.message or "") + len(self.data or "")

    @property
    def value(self) -> Any:
        """Its fields, or what was emitted; None where it has none."""
        return None if self.data is None else decode(self.data)

    def to_json(self) -> dict[str, Any]:
        """Return the line as an object; `cursor` asks for what follows it."""
        return {
            "position": self.position,
            "epoch": self.epoch,
            "attempt": self.attempt,
            "claim_id": self.claim_id,
            "seq": self.seq,
            "at": rfc3339(self.at),
            "kind": str(self.kind),
            "level": self.level,
            "message": self.message,
            "data": self.value,
            "cursor": self.place.cursor,
        }
