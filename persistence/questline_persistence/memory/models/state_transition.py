"""A change in an agent's life, as its history has it."""

from __future__ import annotations

from pydantic import Field

from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import FreeText, KeyText
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import Record


class StateTransition(Record):
    """A change from one state of an agent to another; it never changes.

    Parameters:
      transition_id: its id; a new one, if not given.
      agent_id: the agent.
      seq: its number in the agent's history, from 1; None until it is recorded.
      state_before: the state that the agent was in; None if it had none.
      state_after: the state that the agent is in now.
      reason: why it changed.
      origin: the step that recorded it; None outside of steps.
      created_at: when it was recorded.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    transition_id: KeyText = Field(default_factory=new_quest_id)
    agent_id: KeyText
    seq: int | None = None
    state_before: FreeText | None = None
    state_after: FreeText
    reason: FreeText | None = None
    origin: StepOrigin | None = None
    created_at: str | None = None
