"""Keeping a Lord's output small: the checkpoint of a step is stored as JSON, and a quest carries it along."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

#: A Lord's whole output stays below this many bytes of JSON.
MAX_OUTPUT_BYTES: Final = 256_000

Row = TypeVar("Row")


def within(rows: Sequence[Row], max_rows: int, max_bytes: int) -> list[Row]:
    """Return the first rows: at most `max_rows` of them, and together at most `max_bytes` of JSON."""
    kept: list[Row] = []
    left = max_bytes
    for row in rows[:max_rows]:
        left -= json_size(row)
        if left < 0:
            break
        kept.append(row)
    return kept


def json_size(value: Any) -> int:
    """Return the length of `value` as JSON with ASCII escapes, the longest form that an encoder may choose."""
    return len(json.dumps(value, separators=(",", ":"))) + 1
