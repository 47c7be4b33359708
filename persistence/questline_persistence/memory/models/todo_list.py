"""The plan of a session, point by point."""

from __future__ import annotations

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import KeyText, ShortText, Structure
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class TodoList(Record):
    """What is to be done in a session.

    Parameters:
      todolist_id: its key: any text of 1 to 255 characters; a new one, if not given.
      session_id: the session.
      plan: the points, a JSON object or a list.
      status: how far it is, in your own words.
      version: counts its saves; None until it is saved.
      origin: the step that wrote this version; None outside of steps.
      created_at: when it was saved first.
      updated_at: when this version was saved.
      deleted_at: when it was deleted.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    todolist_id: KeyText = Field(default_factory=new_quest_id)
    session_id: KeyText
    plan: Structure
    status: ShortText = "pending"
    version: int | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None
