"""Two states that were made from one, made one again: what only one of them has changed is taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from questline_persistence.memory.merging.absent import ABSENT, present
from questline_persistence.memory.merging.entries import Entries, entries, parts, same
from questline_persistence.memory.merging.order import is_contested, merged_order
from questline_persistence.memory.merging.reading import read, text_of
from questline_persistence.payload import PathPart, path_of


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """Something that both have changed, and not alike.

    Parameters:
      path: where, such as `plan.steps."s1".done`; an item that has an id is named by it, in quotes. "" is the whole.
      base: what both began with, or ABSENT.
      ours: what we made of it, or ABSENT.
      theirs: what they made of it, or ABSENT.
    """

    path: str
    base: Any
    ours: Any
    theirs: Any

    def to_json(self) -> dict[str, Any]:
        """Return the conflict as plain JSON data; what is absent has no key."""
        return {"path": self.path, **present(base=self.base, ours=self.ours, theirs=self.theirs)}


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What became of two states that were made from one.

    Parameters:
      merged: the merged state: text if all three were. Where there is a conflict it is as in `base`.
      conflicts: what has to be decided; none if all went well.
    """

    merged: Any
    conflicts: tuple[MergeConflict, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON data."""
        return {"merged": self.merged, "conflicts": [conflict.to_json() for conflict in self.conflicts]}


def merge(base: Any, ours: Any, theirs: Any) -> MergeResult:
    """Return the state that has the changes of both `ours` and `theirs`, and their conflicts as values.

    Objects are merged key by key; lists as a whole, unless all their items are objects with an `id`, text or a whole
    number: then item by item. Whoever removes something that the other changes is in conflict with them.

    Parameters:
      base: what both were made from: JSON, or text. An object or a list in a text is read; other text is the same, or
        a conflict.
      ours: one state made from it.
      theirs: the other one.

    Raises:
      PayloadError: one of them is not JSON, or is too deep or too large.
    """
    values = read({"base": base, "ours": ours, "theirs": theirs})
    conflicts: list[MergeConflict] = []
    merged = _merge((), conflicts, *values)
    if all(isinstance(state, str) for state in (base, ours, theirs)) and not isinstance(merged, str):
        merged = _text(merged, *((theirs, ours) if ours == base else (ours, theirs)), base)
    return MergeResult(merged, tuple(conflicts))


def _merge(place: tuple[PathPart, ...], conflicts: list[MergeConflict], base: Any, ours: Any, theirs: Any) -> Any:
    """Return what becomes of a place, or ABSENT; add what both have changed there."""
    empty = base is ABSENT and isinstance(ours, dict | list)
    sides = entries(type(ours)() if empty else base, ours, theirs)
    if sides is not None and not (isinstance(ours, list) and is_contested(*sides)):
        merged = _merge_entries(place, sides, conflicts, ids=isinstance(ours, list))
        return [*merged.values()] if isinstance(ours, list) else merged
    if same(ours, theirs) or same(theirs, base):
        return ours
    if same(ours, base):
        return theirs
    conflicts.append(MergeConflict(path_of(place), base, ours, theirs))
    return base


def _merge_entries(
    place: tuple[PathPart, ...], sides: list[Entries], conflicts: list[MergeConflict], *, ids: bool
) -> dict[Any, Any]:
    """Return what becomes of each entry of objects, or of lists' items."""
    merged = {}
    for key, part in parts(merged_order(*sides), ids=ids):
        value = _merge((*place, part), conflicts, *(side.get(key, ABSENT) for side in sides))
        if value is not ABSENT:
            merged[key] = value
    return merged


def _text(value: Any, *sides: str) -> str:
    """Return JSON as text; one of the sides if it says the same, since it is written as somebody chose to."""
    written = text_of(value, "the merged state")
    alike = (side for side in sides if text_of(read({"text": side})[0], "text") == written)
    return next(alike, written.strip())
