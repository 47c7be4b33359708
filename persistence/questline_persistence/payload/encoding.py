"""JSON in and out of the store: strict, bounded, and never anything but JSON.

Text that orjson cannot carry (integers beyond 64 bits) is written by the standard library behind a
leading space, which JSON ignores and `decode` reads as the sign to use the standard library again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from questline_persistence.errors import PayloadError
from questline_persistence.payload.json_form import json_form
from questline_persistence.payload.limits import DEFAULTS, Limit
from questline_persistence.payload.no_json_form import NoJsonForm, cut

#: How many times the limit the texts of a value may amount to before it is refused without being written out.
TEXT_ROOM = 4
#: Deepest nesting of lists and objects.
MAX_DEPTH = 100
#: Deepest nesting of what holds whole outputs: a quest's `run_data`, or its stack.
MAX_STATE_DEPTH = MAX_DEPTH + 4

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_BIG = " "
_CONTAINERS = (dict, list, tuple)


def encode(
    value: Any, *, what: str, root: str | None = None, limit: Limit = DEFAULTS.output, depth: int = MAX_DEPTH
) -> str:
    """Return `value` as JSON text.

    Parameters:
      value: anything made of dict (with str keys), list, tuple, str, int, float, bool and None, and of what has a JSON
        form that Pydantic reads back: models, dataclasses, dates and times, Decimal, UUID, Enum.
      what: the thing's name, for the error message.
      root: its name in the place of what is wrong, as in `output.items[3]`; default: `what`.
      limit: largest size of the text.
      depth: deepest nesting of lists and objects.

    Raises:
      PayloadError: `value` is not JSON (a set, a NaN, an object, a key that is no string, …), nested
        deeper than `depth` levels, or too large.
    """
    # Before it is written: what holds itself, or one thing many times over, has no size that could be measured.
    _refuse_shape(value, what, limit, depth)
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError) as error:
        plain = _json_form(value, what, root)
        _refuse_shape(plain, what, limit, depth)  # once more: a model may have hidden how large it is
        text = _encode_plain(plain, what, error)
        size = size_of(text)
    else:
        if b"null" in data and _has_nan(value):
            _json_form(value, what, root)  # orjson would turn it into null without a word
        text, size = data.decode(), len(data)
    if size > limit.size:
        raise too_large(what, f"{size:,}", limit)
    return text


def whole_state(run_data: Mapping[str, Any], *, limit: Limit = DEFAULTS.state) -> str:
    """Return a quest's state, all of its outputs, as JSON text.

    Raises:
      PayloadError: as `encode`.
    """
    return encode(run_data, what="run_data", limit=limit, depth=MAX_STATE_DEPTH)


def size_of(text: str) -> int:
    """Return the size of JSON text in bytes."""
    return len(text) if text.isascii() else len(text.encode())


def too_large(what: str, size: str, limit: Limit) -> PayloadError:
    """Return the error for `what`, which is `size` bytes and so beyond `limit`."""
    return PayloadError(f"{what} is {size} bytes of JSON; the limit is {limit.size:,}", hint=limit.advice)


def decode(text: str) -> Any:
    """Return the value of JSON text that `encode` wrote."""
    if is_big(text):
        return json.loads(text)
    return orjson.loads(text)


def is_big(text: str) -> bool:
    """Return whether JSON text that `encode` wrote is for the standard library to read."""
    return text.startswith(_BIG)


def mark_big(text: str) -> str:
    """Return JSON text as one for the standard library to read, since what was put into it is."""
    return _BIG + text


def _encode_plain(plain: Any, what: str, error: Exception) -> str:
    """Encode what orjson refused, now that it is plain JSON: with the standard library where integers are big."""
    with suppress(TypeError, ValueError):
        return orjson.dumps(plain, option=_OPTIONS).decode()
    try:
        return _BIG + json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise PayloadError(f"{what} is not JSON: {error}", hint="keep numbers below 4,300 digits") from error


def _json_form(value: Any, what: str, root: str | None) -> Any:
    """Return `value` as plain JSON."""
    try:
        return json_form(value, root or what)
    except NoJsonForm as error:
        raise PayloadError(f"{what} is not JSON: {error}", hint=error.hint) from error


def _has_nan(value: Any) -> bool:
    """Tell whether there are NaN or infinities in what orjson has written."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            return True
    return False


def _refuse_shape(value: Any, what: str, limit: Limit, most: int) -> None:
    """Raise when `value` nests deeper than `most`, or is too large by its containers and texts alone.

    Each container is two bytes at least, and each text as many as it has characters: so what holds itself twice, or the
    same long text a thousand times, ends here and not when memory does. Texts have some room, since what is not absurd
    is better told by its exact size.
    """
    level = [value] if isinstance(value, _CONTAINERS) else []
    depth = containers = texts = 0
    while level:
        depth += 1
        if depth > most:
            raise PayloadError(
                f"{what} is nested deeper than {most} levels", hint="each list and each object is a level"
            )
        below: list[Any] = []
        for item in level:
            for child in item.values() if isinstance(item, dict) else item:
                if isinstance(child, str):
                    texts += len(child)
                elif isinstance(child, _CONTAINERS):
                    below.append(child)
            if 2 * (containers + len(below)) > limit.size or texts > TEXT_ROOM * limit.size:
                raise too_large(what, f"more than {limit.size:,}", limit)
        containers += len(below)
        level = below


def refuse_halves(text: str | None, *, what: str) -> None:
    """Raise PayloadError if text holds half of a surrogate pair, which no store can hold; `what` is its name."""
    if text is not None and has_halves(text):
        raise PayloadError(f"{what} holds half of a surrogate pair: {shortened(text)}", hint=HALVES_HINT)


def has_halves(text: str) -> bool:
    """Return whether text holds half of a surrogate pair."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


#: How half a surrogate pair comes about.
HALVES_HINT = "read the text as UTF-8; such a half comes from bytes taken for text, or from a text that was cut"


def shortened(value: Any) -> str:
    """Return how a value is written in Python, cut to what an error message can repeat."""
    return cut(repr(value))
