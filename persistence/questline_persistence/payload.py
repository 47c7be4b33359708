"""JSON in and out of the store: strict, bounded, and never anything but JSON.

Text that orjson cannot carry (integers beyond 64 bits) is written by the standard library behind a
leading space, which JSON ignores and `decode` reads as the sign to use the standard library again.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

from questline_persistence.errors import PayloadError

#: Largest encoded input or params, in bytes.
MAX_INPUT_BYTES = 256_000
#: Largest encoded output of one step, in bytes.
MAX_OUTPUT_BYTES = 1_000_000
#: Deepest nesting of lists and objects.
MAX_DEPTH = 100
#: Deepest nesting of what holds whole outputs: a quest's `run_data`, or its stack.
MAX_STATE_DEPTH = MAX_DEPTH + 4

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_BIG = " "


def encode(value: Any, *, what: str, limit: int = MAX_OUTPUT_BYTES, depth: int = MAX_DEPTH) -> str:
    """Return `value` as JSON text.

    Parameters:
      value: anything made of dict (with str keys), list, tuple, str, int, float, bool and None.
      what: the thing's name, for the error message.
      limit: largest size of the text in bytes.
      depth: deepest nesting of lists and objects.

    Raises:
      PayloadError: `value` is not JSON (a set, a NaN, an object, a key that is no string, …), nested
        deeper than `depth` levels, or too large.
    """
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError) as error:
        text = _encode_big(value, what, error, depth)
    else:
        text = data.decode()
        if b"null" in data:
            _refuse_nan(value, what)
    size = len(text.encode()) if not text.isascii() else len(text)
    if size > limit:
        message = f"{what} is {size:,} bytes of JSON; the limit is {limit:,}"
        raise PayloadError(message, hint="store large data elsewhere and pass a reference to it")
    _refuse_depth(value, what, depth)
    return text


def decode(text: str) -> Any:
    """Return the value of JSON text that `encode` wrote."""
    if text.startswith(_BIG):
        return json.loads(text)
    return orjson.loads(text)


def _encode_big(value: Any, what: str, error: Exception, depth: int) -> str:
    """Encode what orjson refused with the standard library, if it is JSON at all."""
    _refuse_depth(value, what, depth)
    try:
        return _BIG + json.dumps(_plain(value, what), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise PayloadError(
            f"{what} is not JSON: {error}", hint="return dict, list, str, int, float, bool or None"
        ) from error


def _plain(value: Any, what: str) -> Any:
    """Return `value` unchanged after checking what the standard library would silently convert."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            for key in item:
                if type(key) is not str:
                    message = f"{what} is not JSON: the key {key!r} is {type(key).__name__}, not str"
                    raise PayloadError(message)
                key.encode()
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, str):
            item.encode()
    return value


def _refuse_nan(value: Any, what: str) -> None:
    """Raise for NaN and infinities, which orjson would turn into null without a word."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise PayloadError(f"{what} is not JSON: it holds {item}", hint="use None for a missing number")


def _refuse_depth(value: Any, what: str, most: int) -> None:
    """Raise when `value` nests deeper than `most`; a flat value costs one look."""
    level = [value] if isinstance(value, dict | list | tuple) else []
    depth = 0
    while level:
        depth += 1
        if depth > most:
            raise PayloadError(f"{what} is nested deeper than {most} levels")
        below: list[Any] = []
        for item in level:
            children = item.values() if isinstance(item, dict) else item
            below.extend(child for child in children if isinstance(child, dict | list | tuple))
        level = below
