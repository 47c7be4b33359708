"""One step of an agent's own loop: what it thought, did and saw."""

from __future__ import annotations

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import FreeText, KeyText, Number
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class HistoryEntry(Record):
    """An entry of a session's execution history; it never changes.

    Parameters:
      entry_id: its id; a new one, if not given.
      session_id: the session.
      seq: its number in the session's history, from 1; None until it is appended.
      step_id: your own number of the step; several entries may be about one.
      thought: what the agent thought.
      action: what it did.
      observation: what it saw then.
      timestamp: when that was, in epoch seconds.
      origin: the step of a quest that appended it; None outside of steps.
      created_at: when it was appended.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    entry_id: KeyText = Field(default_factory=new_quest_id)
    session_id: KeyText
    seq: int | None = None
    step_id: Number
    thought: FreeText | None = None
    action: FreeText | None = None
    observation: FreeText | None = None
    timestamp: float | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
