"""Values as text on a page: numbers, times, lengths of time, JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from questline_persistence import shown_times

#: The seconds of each unit of an age, the largest first.
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """Return how long ago something was in one unit, as lists show it; a script counts it on."""
    for size, unit in _AGES:
        if abs(seconds) >= size:
            return f"{abs(seconds) // size:.0f} {unit}"
    return "0 s"


def length(seconds: float | None) -> str:
    """Return a length of time in the two units that matter; nothing where there is none."""
    return "" if seconds is None else shown_times.length(max(seconds, 0.0))


def epoch(moment: float | str | None) -> float | None:
    """Return a time of the store, epoch seconds or RFC 3339, as epoch seconds."""
    if moment is None or isinstance(moment, float | int):
        return moment
    return datetime.fromisoformat(moment).timestamp()


def clock(seconds: float | None) -> str:
    """Return the time of day in UTC, to the tenth of a second."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S.%f")[:-5]


def machine(seconds: float) -> str:
    """Return epoch seconds as a `<time>` element's `datetime` has them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def count(number: int) -> str:
    """Return a number with separators between thousands."""
    return f"{number:,}"


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """Return JSON as people edit it: integers of any size and the order of keys as they are."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def first_line(text: str | None) -> str:
    """Return the first line of a text, which of an error says what it is."""
    return "" if not text else text.strip().split("\n", 1)[0]
