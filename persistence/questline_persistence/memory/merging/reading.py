"""States as they are compared: plain JSON, or text that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from questline_persistence.errors import PayloadError
from questline_persistence.payload import DEFAULTS, MAX_STATE_DEPTH, decode, encode


def read(states: Mapping[str, Any]) -> list[Any]:
    """Return states as plain JSON that they share nothing with; if one of them is text that is none, all texts stay.

    Parameters:
      states: by their names, for error messages. Text is read if it holds a JSON object or a list.

    Raises:
      PayloadError: one that is no text is not JSON either, or is too deep or too large.
    """
    plain = {what: _plain(state, what) for what, state in states.items() if not isinstance(state, str)}
    values = {what: _read_text(state) for what, state in states.items() if isinstance(state, str)}
    if any(isinstance(value, str) for value in values.values()):
        values = {what: states[what] for what in values}
    return [(plain | values)[what] for what in states]


def text_of(value: Any, what: str) -> str:
    """Return plain JSON as text.

    Raises:
      PayloadError: it is too large.
    """
    return encode(value, what=what, limit=DEFAULTS.state, depth=MAX_STATE_DEPTH)


def _plain(value: Any, what: str) -> Any:
    return decode(text_of(value, what))


def _read_text(text: str) -> Any:
    """Return the object or list that a text holds; the text itself if there is none, or none that could be written."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
        return _plain(value, "text") if isinstance(value, dict | list) else text
    except (ValueError, RecursionError, PayloadError):
        return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON text; to read a key that stands there twice would lose what the first one says."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> None:
    """Refuse NaN and infinities, which are no JSON."""
    raise ValueError
