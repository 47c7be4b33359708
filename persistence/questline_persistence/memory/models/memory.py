"""A lesson, for whoever meets the like again."""

from __future__ import annotations

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import FreeText, KeyText, Number, ShortText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class Memory(Record):
    """A lesson that was learnt once, and is recalled in other sessions; it never changes.

    Parameters:
      memory_id: its id; a new one, if not given.
      context: in which circumstances it was learnt.
      lesson: what was learnt.
      tool_name: the tool that it is about.
      confidence: how sure it is, in whole numbers of your own scale.
      origin: the step that remembered it; None outside of steps.
      created_at: when it was remembered.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    memory_id: KeyText = Field(default_factory=new_quest_id)
    context: FreeText
    lesson: FreeText
    tool_name: ShortText | None = None
    confidence: Number = 0
    origin: StepOrigin | None = None
    created_at: str | None = None
