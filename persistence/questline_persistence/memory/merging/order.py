"""In which order entries stand that two have changed.

They stand as whoever moved them has left them, and what the other has added stands behind its neighbour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from questline_persistence.memory.merging.entries import Entries


def is_contested(base: Entries, ours: Entries, theirs: Entries) -> bool:
    """Return whether both have moved entries, and not alike."""
    return _moved(ours, theirs) and _moved(base, ours) == _moved(base, theirs)


def merged_order(base: Entries, ours: Entries, theirs: Entries) -> list[Any]:
    """Return all keys of both in one order."""
    first, second = (ours, theirs) if _moved(base, ours) else (theirs, ours)
    behind: defaultdict[Any, list[Any]] = defaultdict(list)
    neighbour = None  # no key is None
    for key in second:
        if key in first:
            neighbour = key
        else:
            behind[neighbour].append(key)
    return behind[None] + [each for key in first for each in (key, *behind[key])]


def _moved(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    """Return whether what both have stands in another order."""
    return [key for key in one if key in other] != [key for key in other if key in one]
