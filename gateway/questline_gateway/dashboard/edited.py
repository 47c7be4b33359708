"""What somebody changed in JSON that was there to be edited: as the corrections that a replay takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Never

from questline_persistence.errors import PayloadError
from questline_persistence.payload import PathPart, path_of

_HINT = "a replay sets values and adds keys; set the key to null, or take it out of an object further inside"


def read_json(text: str, what: str) -> Any:
    """Return the value of JSON that somebody has written.

    Parameters:
      text: what was written.
      what: its name, for the error message.

    Raises:
      PayloadError: it is not JSON; the message says where.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise PayloadError(f"{what} is nested too deep") from None
    except ValueError as error:
        raise PayloadError(f"{what} is not JSON: {error}", hint="check quotes, commas and brackets there") from None


def corrections(root: tuple[str, ...], old: dict[str, Any], new: Any, what: str) -> dict[str, Any]:
    """Return what was changed, by the path that leads there.

    Parameters:
      root: where the object stands, such as ("input_data",).
      old: the object as it was.
      new: what it was edited to.
      what: its name, for the error message.

    Raises:
      PayloadError: it is no object any more, or has lost a key.
    """
    if not isinstance(new, dict):
        raise PayloadError(f"{what} must stay a JSON object", hint=_HINT)
    gone = [key for key in old if key not in new]
    if gone:
        raise PayloadError(f"{what} has lost its key {gone[0]!r:.100}", hint=_HINT)
    start = tuple(PathPart(name) for name in root)
    return {path_of(parts): value for parts, value in _changes(start, old, new)}


def _changes(at: tuple[PathPart, ...], old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the path and value of each change; where a key was taken out, that of the object that it stood in."""
    for key, value in new.items():
        here = (*at, PathPart(key))
        if key not in old:
            yield (*at, PathPart(key, quoted=True)), value  # in quotes it is meant to be new
        elif same_json(old[key], value):
            continue
        elif isinstance(value, dict) and isinstance(old[key], dict) and old[key].keys() <= value.keys():
            yield from _changes(here, old[key], value)
        else:
            yield here, value


def same_json(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON: for Python 1, 1.0 and True are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")
