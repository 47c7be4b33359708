"""What a workflow knows on its way: its phase, its decisions, and what it has made."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field

from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.ids import new_quest_id
from questline_persistence.memory.models.fields import AnyContextStatus, KeyText, Number, ShortText, Structure
from questline_persistence.memory.models.step_origin import StepOrigin
from questline_persistence.models import KeyedModel
from questline_persistence.payload import DEFAULTS, MAX_STATE_DEPTH, Limit, decode, encode
from questline_persistence.states import ContextStatus


def _now() -> str:
    return rfc3339(time.time())  # the maker's own words; what contexts are ordered by is the store's clock


class WorkflowContext(KeyedModel):  # noqa: PLW1641  (it can change, as every record)
    """The context of one workflow, at one version.

    Two contexts are equal if they say the same, at whatever version they were saved.

    Parameters:
      workflow_id: the workflow's key: any text of 1 to 255 characters; a new one, if not given.
      epic_num: the epic that it is about.
      story_num: the story of that epic; None for the epic as a whole.
      feature: the feature that it is about.
      workflow_name: what people call it.
      current_phase: the phase that it is in.
      status: where it is: "running", "completed", "failed" or "paused".
      decisions: what was decided, a JSON object or a list.
      artifacts: what was made, a JSON list or an object.
      phase_history: the phases that it has been through, a JSON list.
      metadata: what else is known about it, a JSON object.
      created_at: when this object was made first, by the clock of who made it.
      updated_at: when it was changed last, as whoever changes it writes down.
      version: counts its saves; None until it is saved.
      saved_at: when this version was saved, by the store's clock; None until it is saved.
      origin: the step that wrote this version; None outside of steps.

    Raises:
      PayloadError: a field is unknown, missing or wrong.

    Example:
      WorkflowContext(epic_num=12, story_num=3, feature="login", workflow_name="implement", current_phase="design")
    """

    workflow_id: KeyText = Field(default_factory=new_quest_id)
    epic_num: Number
    story_num: Number | None = None
    feature: ShortText
    workflow_name: ShortText
    current_phase: ShortText
    status: AnyContextStatus = ContextStatus.RUNNING
    decisions: Structure = Field(default_factory=dict)
    artifacts: Structure = Field(default_factory=list)
    phase_history: list[Any] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: ShortText = Field(default_factory=_now)
    updated_at: ShortText = Field(default_factory=lambda made: made["created_at"])
    version: int | None = Field(default=None, exclude=True)
    saved_at: str | None = Field(default=None, exclude=True)
    origin: StepOrigin | None = Field(default=None, exclude=True)

    def to_json(self) -> str:
        """Return what the context says as JSON text: all but what the store knows, as its version and its origin.

        Raises:
          PayloadError: something in it is not JSON.
        """
        return context_text(self, DEFAULTS.state)

    def to_data(self) -> dict[str, Any]:
        """Return the context as plain JSON data, with what the store knows: version, time and origin."""
        origin = None if self.origin is None else self.origin.to_json()
        known = {"version": self.version, "saved_at": self.saved_at, "origin": origin}
        return {**self.model_dump(mode="json"), **known}

    @classmethod
    def from_json(cls, text: str) -> WorkflowContext:
        """Return the context that JSON text tells of.

        Parameters:
          text: as `to_json` wrote it.

        Raises:
          PayloadError: it is no JSON, or tells of no context.
        """
        try:
            told = decode(text)
        except ValueError as error:
            raise PayloadError(f"the context is not JSON: {error}") from error
        if not isinstance(told, dict):
            raise PayloadError(f"a context is a JSON object, not {type(told).__name__}")
        return cls(**told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkflowContext) and self.model_dump() == other.model_dump()


def context_text(context: WorkflowContext, limit: Limit) -> str:
    """Return what a context says as JSON text.

    Parameters:
      context: the context.
      limit: how large it may be.

    Raises:
      PayloadError: something in it is not JSON, or it is too large.
    """
    told = {**context.model_dump(), "status": str(context.status)}  # all of it plain, which is written at once
    return encode(told, what="the context", root="context", limit=limit, depth=MAX_STATE_DEPTH)
