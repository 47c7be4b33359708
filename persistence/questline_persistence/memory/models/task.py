"""Something that is to be done."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import AnyTaskStatus, FreeText, KeyText, ShortText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record
from questline_persistence.states import TaskStatus


class Task(Record):
    """Something that an agent, or somebody else, is to do.

    Parameters:
      task_id: its key: any text of 1 to 255 characters; a new one, if not given.
      title: what it is.
      description: what has to be known to do it.
      status: how far it is: "todo", "in_progress", "done" or "blocked".
      assigned_to: who is to do it.
      metadata: what is known about it, a JSON object.
      version: counts its saves; None until it is saved.
      origin: the step that wrote this version; None outside of steps.
      created_at: when it was saved first.
      updated_at: when this version was saved.
      deleted_at: when it was deleted.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    task_id: KeyText = Field(default_factory=new_quest_id)
    title: FreeText
    description: FreeText = ""
    status: AnyTaskStatus = TaskStatus.TODO
    assigned_to: ShortText | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    version: int | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None
