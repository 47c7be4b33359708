"""The quest as producers write it down: a JSON or YAML object, or a dict, with nothing but the documented keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from questline_persistence.errors import PayloadError
from questline_persistence.models import QuestExecutionData

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
    """Return the quest that a producer's object describes.

    Raises:
      PayloadError: a key is unknown or missing, or a value is of the wrong shape.
    """
    for key in data:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(KEYS)}"
            raise PayloadError(f"a quest has no key {key!r}", hint=hint)
    try:
        return QuestExecutionData(**{key: value for key, value in data.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the quest"
        raise PayloadError(f"{place}: {first['msg']}") from None
