"""A stretch of work: what events, states and history belong to."""

from __future__ import annotations

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import FreeText, KeyText, ShortText
from questline_persistence.models import Record


class Session(Record):
    """A session of an agent or a user.

    Parameters:
      session_id: its key: any text of 1 to 255 characters; a new one, if not given.
      agent_id: the agent that works in it.
      user_id: the user that it is for.
      mission: what it is to achieve.
      status: how far it is, in your own words.
      version: counts the states that were saved in it; 0 if there is none.
      started_at: when it was started.
      ended_at: when it was ended.
      created_at: when it was first heard of.
      updated_at: when it was changed last.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    session_id: KeyText = Field(default_factory=new_quest_id)
    agent_id: KeyText | None = None
    user_id: ShortText | None = None
    mission: FreeText | None = None
    status: ShortText = "pending"
    version: int = 0
    started_at: str | None = None
    ended_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
