"""Something that happened in a session."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import AnyActorType, FreeText, KeyText, ShortText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record
from questline_persistence.states import ActorType


class Event(Record):
    """Something that somebody did in a session; it never changes.

    Parameters:
      event_id: its id; a new one, if not given. Saved again under its id, the same event is there once.
      session_id: the session.
      seq: its number in the session, from 1; None until it is saved.
      event_type: what kind of event it is, in your own words.
      actor_type: who did it: "user", "agent" or "system".
      actor_id: which one of them.
      content: what happened.
      metadata: what is known about it, a JSON object.
      git_commit: the commit that it is about.
      origin: the step that saved it; None outside of steps.
      created_at: when it was saved.

    Raises:
      PayloadError: a field is unknown, missing or wrong.

    Example:
      Event(session_id="s1", event_type="tool_call", actor_type="agent", content="read README.md")
    """

    event_id: KeyText = Field(default_factory=new_quest_id)
    session_id: KeyText
    seq: int | None = None
    event_type: ShortText
    actor_type: AnyActorType = ActorType.SYSTEM
    actor_id: ShortText | None = None
    content: FreeText = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    git_commit: ShortText | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
