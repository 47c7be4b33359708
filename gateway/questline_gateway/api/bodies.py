"""What callers send: documented for the reference of the API, and read where the command line reads it, too."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from questline_persistence.ids import MAX_NAME, NAME
from questline_persistence.models import (
    MAX_KEY_LENGTH,
    MAX_LABEL_KEY,
    MAX_LABEL_VALUE,
    MAX_LABELS,
    MAX_PRIORITY,
    MAX_REASON,
    MAX_STEPS,
)

_NAME = {"type": "string", "pattern": NAME, "minLength": 1, "maxLength": MAX_NAME}
_STEP = {
    "type": "object",
    "required": ["lord_name", "tool_name"],
    "additionalProperties": False,
    "properties": {
        "lord_name": {**_NAME, "description": "the Lord"},
        "tool_name": {**_NAME, "description": "the Lord's tool"},
        "params": {"type": "object", "description": "parameters of this step alone"},
        "max_attempts": {"type": "integer", "minimum": 1, "description": "how many failures the step may have"},
        "timeout_seconds": {"type": "number", "exclusiveMinimum": 0, "description": "longest time of an attempt"},
        "backoff_seconds": {"type": "number", "minimum": 0, "description": "the wait after the first failure"},
        "queue": {**_NAME, "description": "the queue that it waits in"},
    },
}
_QUEST = {
    "type": "object",
    "required": ["quest_type"],
    "additionalProperties": False,
    "properties": {
        "quest_type": {**_NAME, "description": "what kind of quest it is; a registered type also makes its steps"},
        "quest_id": {
            "type": "string",
            "pattern": "^[A-Za-z0-9_][!-~]*$",
            "maxLength": 200,
            "description": "its id; a new one, if not given",
        },
        "input_data": {"type": "object", "description": "its input, which every step can read"},
        "execution_stack": {"type": "array", "maxItems": MAX_STEPS, "items": _STEP, "description": "its steps"},
        "labels": {
            "type": "object",
            "maxProperties": MAX_LABELS,
            "propertyNames": {"maxLength": MAX_LABEL_KEY},
            "additionalProperties": {"type": "string", "maxLength": MAX_LABEL_VALUE},
            "description": "words to find it by",
        },
        "queue": {**_NAME, "description": "the queue of steps that name none"},
        "priority": {"type": "integer", "minimum": -MAX_PRIORITY, "maximum": MAX_PRIORITY},
        "idempotency_key": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
    },
}

#: A quest as in a quest file.
QuestFile = Annotated[dict[str, Any], Body(), WithJsonSchema(_QUEST)]


class _Given(BaseModel):
    """A body that may hold what is documented, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Reasoned(_Given):
    """Why a verb is done."""

    reason: str | None = Field(
        default=None,
        max_length=MAX_REASON,
        description="why; the audit keeps it, and a pause or cancel shows it with the quest",
    )


class Resumed(Reasoned):
    """How to resume a quest."""

    budget: bool = Field(default=False, description="let no budget pause it from now on, its own or another")


class _Restarted(Reasoned):
    """Where to start again, and what to correct there."""

    from_: str | None = Field(
        default=None,
        alias="from",
        max_length=1_000,
        description="`LORD` or `LORD:TOOL` (its second step: `LORD#2`), a position such as `0003`, or a version such "
        "as `v7`; default: the beginning",
    )
    set: dict[str, Any] | None = Field(
        default=None,
        description="corrections: `input_data.KEY`, `run_data.LORD.KEY` or `execution_stack.STEP.params.KEY`, each "
        "with its new value",
    )
    dry_run: bool = Field(default=False, description="change nothing, and tell what would be done")
    keep_once: bool = Field(
        default=False, description="serve what steps have recorded by `ctx.once`, rather than make those calls anew"
    )


class Replayed(_Restarted):
    """How to replay a quest."""

    keep_state: bool = Field(default=False, description="leave what quests share of what Lords remember as it is")


class Forked(_Restarted):
    """How to fork a quest."""

    quest_id: str | None = Field(
        default=None, max_length=200, description="the new quest's id; a new one, if not given"
    )
    recorded: bool = Field(
        default=False,
        description="serve what is recorded by `ctx.once` alone: a call that is not recorded fails the new quest",
    )
