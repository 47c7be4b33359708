"""What is wrong with a field, in our words rather than in Pydantic's, and how to mend it."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from questline_persistence.ids import NAME_HINT
from questline_persistence.payload import KEY_HINT, shortened

#: Longest part of a field's place that an error repeats, in characters.
MAX_PLACE = 100

_KEY = "[key]"
_WANTED = {
    "string_type": "text",
    "dict_type": "an object",
    "list_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "must be {} or more"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "less_than": ("lt", "must be less than {}"),
}
_HINTS = {
    "max_attempts": "1 runs the step once: the first attempt counts, too",
    "input_data": 'give an object such as {"n": 1}',
    "params": 'give an object such as {"n": 1}',
    "metadata": 'give an object such as {"n": 1}',
    "state_data": "write it as text, such as json.dumps(…)",
}


def wrong_field(error: ErrorDetails) -> tuple[str, str | None]:
    """Return a sentence that says what is wrong with which field, and the hint that goes with it, if there is one.

    Parameters:
      error: what Pydantic found.
    """
    parts = [str(part)[:MAX_PLACE] for part in error["loc"]]
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    if parts[-1:] == [_KEY]:
        return f"{'.'.join(parts[:-2])} has the key {shortened(value)}, which is {_kind(value)}, not text", KEY_HINT
    place, hint = ".".join(parts), _HINTS.get(parts[-1]) if parts else None
    if kind in _WANTED:
        return f"{place} is {_WANTED[kind]}, not {_shown(value)}", hint
    if kind in _BOUNDS:
        name, must = _BOUNDS[kind]
        return f"{place} {must.format(format(limits[name], ',.15g'))}, not {shortened(value)}", hint
    if kind == "missing":
        return f"{place} is missing", hint
    if kind == "string_pattern_mismatch":
        return f"{place}: {shortened(value)} cannot be a name", NAME_HINT
    return f"{place}: {error['msg']}" if place else error["msg"], None


def _kind(value: Any) -> str:
    return type(value).__name__


def _shown(value: Any) -> str:
    """Return a value as it is where it is text, which may look like what is wanted; else its type."""
    return shortened(value) if isinstance(value, str | float) else _kind(value)
