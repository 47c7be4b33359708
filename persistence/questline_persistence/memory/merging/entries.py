"""What states are made of: objects of their keys, lists of items that are known by their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from questline_persistence.payload import PathPart

#: An object by its keys, or a list's items by their ids.
Entries: TypeAlias = Mapping[Any, Any]
#: What an item of a list is known by: text or a whole number, unlike those of its neighbours.
ID = "id"


def entries(*states: Any) -> list[Entries] | None:
    """Return the entries of each state; None unless all are objects, or all lists whose items have ids."""
    if all(isinstance(state, dict) for state in states):
        return list(states)
    if all(isinstance(state, list) for state in states) and _have_ids(states):
        return [{item[ID]: item for item in state} for state in states]
    return None


def _have_ids(lists: Sequence[list[Any]]) -> bool:
    """Return whether every item has an id, all of them of one type, no two in one list the same."""
    ids = [[item.get(ID) if isinstance(item, dict) else None for item in each] for each in lists]
    kinds = {type(one) for each in ids for one in each}
    return kinds in (set(), {str}, {int}) and all(len(set(each)) == len(each) for each in ids)


def parts(keys: Collection[Any], *, ids: bool) -> Iterator[tuple[Any, PathPart]]:
    """Yield each key with the part of a path that leads to its entry.

    An id stands in quotes, and so does each key of an object in which one has dots: `a.b` may be one key or two.
    """
    quoted = ids or any("." in key for key in keys)
    return ((key, PathPart(str(key), quoted)) for key in keys)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON, in which 1, 1.0 and true are three things."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
