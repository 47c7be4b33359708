"""Corrections that a replay or fork makes to a quest's input or to earlier outputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from questline_persistence.errors import PayloadError
from questline_persistence.history import State
from questline_persistence.limits import DEFAULTS, Limits
from questline_persistence.payload import decode, encode, shortened

#: What to set: `input_data.path` or `run_data.LORD.path` → the new value.
Correction: TypeAlias = Mapping[str, Any]

_HINT = "a path is input_data.KEY… or run_data.LORD…, with dots between keys and numbers for list items"


def corrected(state: State, correction: Correction, *, limits: Limits = DEFAULTS) -> State:
    """Return `state` with every path of `correction` set to its value.

    Raises:
      PayloadError: a path leads nowhere, a value is not JSON, or what it becomes part of gets too large.
    """
    if not correction:
        return state
    whole = {"input_data": decode(state.input_json), "run_data": copy.deepcopy(state.run_data)}
    for path, value in correction.items():
        encode(value, what=f"the value for {shortened(path)}", root="value", limit=limits.output)
        keys = path.split(".")
        if len(keys) < 2 or keys[0] not in whole:  # noqa: PLR2004  (a root and at least one key)
            raise PayloadError(f"cannot set {shortened(path)}", hint=_HINT)
        _set(whole, keys, value, path)
        if keys[0] == "run_data":
            encode(whole["run_data"][keys[1]], what=f"the output of {shortened(keys[1])}", limit=limits.output)
    return replace(
        state,
        input_json=encode(whole["input_data"], what="input_data", limit=limits.input),
        run_data=whole["run_data"],
    )


def _set(whole: Any, keys: list[str], value: Any, path: str) -> None:
    """Set the value at the end of `keys`; the keys before the last must exist."""
    place = whole
    for key in keys[:-1]:
        place = _inside(place, key, path)
    last = keys[-1]
    if isinstance(place, dict):
        place[last] = value
    elif isinstance(place, list) and _is_index(last) and int(last) < len(place):
        place[int(last)] = value
    else:
        raise PayloadError(f"cannot set {shortened(path)}: there is no {shortened(last)} to set", hint=_HINT)


def _inside(place: Any, key: str, path: str) -> Any:
    if isinstance(place, dict) and key in place:
        return place[key]
    if isinstance(place, list) and _is_index(key) and int(key) < len(place):
        return place[int(key)]
    raise PayloadError(f"cannot set {shortened(path)}: there is no {shortened(key)} on the way", hint=_HINT)


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal()
