"""A version of an agent's state that somebody has given a name to, so as to come back to it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import FreeText, KeyText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class StateSnapshot(Record):
    """An agent's state as it was when the snapshot was made; it never changes.

    Parameters:
      snapshot_id: its id.
      agent_id: the agent.
      version: the version of the agent's state that it names.
      description: what it was made for.
      state_data: what the agent knew, as of `AgentState`.
      metadata: what was known about it.
      origin: the step that made the snapshot; None outside of steps.
      created_at: when it was made.
      expires_at: when it is no longer there; None: it stays.
    """

    snapshot_id: KeyText = Field(default_factory=new_quest_id)
    agent_id: KeyText
    version: int | None = None
    description: FreeText | None = None
    state_data: FreeText = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    origin: StepOrigin | None = None
    created_at: str | None = None
    expires_at: str | None = None
