"""What an agent is and knows, at one version."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from questline_persistence.memory.models.fields import FreeText, KeyText, ShortText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class AgentState(Record):
    """The state of an agent.

    Parameters:
      agent_id: the agent's key: any text of 1 to 255 characters.
      name: what people call it.
      status: what it is doing, in your own words.
      state_data: what it knows, as text of any form: JSON, or another.
      metadata: what is known about it, a JSON object.
      version: counts its saves; None until it is saved.
      origin: the step that wrote this version; None outside of steps.
      created_at: when it was saved first.
      updated_at: when this version was saved.
      deleted_at: when it was deleted.

    Raises:
      PayloadError: a field is unknown, missing or wrong.

    Example:
      AgentState(agent_id="planner", status="idle", state_data=json.dumps({"goal": "ship"}))
    """

    agent_id: KeyText
    name: ShortText = ""
    status: ShortText = "idle"
    state_data: FreeText = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    version: int | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None
