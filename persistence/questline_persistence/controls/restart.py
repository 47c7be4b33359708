"""What a replay or a fork begins with: for people who look before they leap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from questline_persistence.controls.corrections import Change
from questline_persistence.controls.key_change import KeyChange, in_words
from questline_persistence.controls.reversals import Reversal


class StepAgain(NamedTuple):
    """A step that runs again.

    Parameters:
      position: its place in the stack.
      lord_name: the Lord.
      tool_name: the tool.
    """

    position: str
    lord_name: str
    tool_name: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Where a replay or a fork starts, what it changes there, and which steps run again.

    Parameters:
      version: the snapshot that it starts from.
      epoch: that snapshot's epoch.
      position: the first step that runs again.
      changes: the corrections, each with the old value.
      steps: all steps that run again, in their order.
      notice: a remark on how questline found the start, and on what goes back, or None.
      reversals: what was corrected by an earlier replay and goes back to what it was: each value of now and of then.
      keys: what becomes of the keys that steps have written which no longer count: agents' states, contexts and others.
    """

    version: int
    epoch: int
    position: str
    changes: tuple[Change, ...]
    steps: tuple[StepAgain, ...]
    notice: str | None = None
    reversals: tuple[Reversal, ...] = ()
    keys: tuple[KeyChange, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What people should know: how the start was found, what goes back, and what becomes of keys; a line each."""
        return [*([self.notice] if self.notice else []), *in_words(self.keys)]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "start": {"version": self.version, "epoch": self.epoch, "position": self.position},
            "changes": [change._asdict() for change in self.changes],
            "reversals": [reversal._asdict() for reversal in self.reversals],
            "steps": [step._asdict() for step in self.steps],
            "keys": [key.to_json() for key in self.keys],
        }
