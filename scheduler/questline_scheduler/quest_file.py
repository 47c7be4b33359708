"""The quest as producers write it down: a JSON or YAML object, or a dict, with nothing but the documented keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from questline_persistence.errors import PayloadError, suggestion
from questline_persistence.models import MAX_PLACE, LordStep, QuestExecutionData, refuse_labels, wrong_field
from questline_persistence.payload import shortened

#: What a producer may say about a quest; everything else is for the store to fill in.
KEYS = (
    "quest_type",
    "quest_id",
    "input_data",
    "execution_stack",
    "labels",
    "queue",
    "priority",
    "idempotency_key",
)


def read_quest(data: Mapping[str, Any]) -> QuestExecutionData:
    """Return the quest that a producer's object describes; a key that is null counts as left out.

    Parameters:
      data: the object, as it was read from JSON or YAML or written in Python.

    Raises:
      PayloadError: a key is unknown or missing, or a value is of the wrong shape.
    """
    if not isinstance(data, Mapping):
        raise PayloadError(f"{shortened(data)} is no quest", hint=_QUEST_HINT)
    for key in data:
        if key not in KEYS:
            raise PayloadError(f"a quest has no key {shortened(key)}", hint=suggestion(key, KEYS, kind="keys"))
    if isinstance(data.get("labels"), Mapping):
        refuse_labels(data["labels"])
    try:
        return QuestExecutionData.model_validate({key: value for key, value in data.items() if value is not None})
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from None


def _refusal(error: ErrorDetails) -> PayloadError:
    """Return an error of Pydantic's in our words, where those say more."""
    *above, last = (str(part)[:MAX_PLACE] for part in error["loc"] or ("the quest",))
    place, value, limits = ".".join((*above, last)), error["input"], error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            near = suggestion(last, LordStep.model_fields, kind="keys")
            return PayloadError(f"{place}: a step has no key {shortened(last)}", hint=near)
        case "too_long":
            return PayloadError(f"{place} has {len(value):,} entries; the limit is {limits['max_length']:,}")
        case "string_too_long":
            message = f"{place} is {len(value):,} characters long; the limit is {limits['max_length']:,}"
            return PayloadError(message)
        case "value_error" if isinstance(limits.get("error"), PayloadError):
            return PayloadError(f"{place}: {limits['error'].message}", hint=limits["error"].hint)
        case _:
            message, hint = wrong_field(error)
            return PayloadError(message, hint=hint)


_QUEST_HINT = 'give a Quest, or an object as in a quest file: {"quest_type": "report", "input_data": {}}'
