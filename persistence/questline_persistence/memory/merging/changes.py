"""The difference of two states, as the changes that lead from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from questline_persistence.memory.merging.absent import ABSENT, present
from questline_persistence.memory.merging.entries import entries, parts, same
from questline_persistence.memory.merging.reading import read
from questline_persistence.payload import PathPart, path_of


class ChangeKind(StrEnum):
    """What a change does at its path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    #: The items of a list stand in another order; `before` and `after` are their ids.
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class StateChange:
    """One change between two states.

    Parameters:
      path: where, such as `plan.steps."s1".done`; an item that has an id is named by it, in quotes. "" is the whole.
      kind: what it does there. An item is added at the end, and REORDERED says so where that is not its place.
      before: what was there, or ABSENT.
      after: what is there now, or ABSENT.
    """

    path: str
    kind: ChangeKind
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain JSON data; what is absent has no key."""
        return {"path": self.path, "kind": self.kind.value, **present(before=self.before, after=self.after)}


def difference(a: Any, b: Any) -> list[StateChange]:
    """Return the changes that lead from state `a` to state `b`, in the order in which `a` tells of them.

    Objects are compared key by key, in whatever order; lists as a whole, unless all their items are objects with an
    `id`, text or a whole number.

    Parameters:
      a: JSON, or text: an object or a list in it is read, any other text is compared as it stands.
      b: likewise.

    Raises:
      PayloadError: one of them is not JSON, or is too deep or too large.
    """
    before, after = read({"a": a, "b": b})
    changes: list[StateChange] = []
    _compare((), before, after, changes)
    return changes


def _compare(place: tuple[PathPart, ...], before: Any, after: Any, changes: list[StateChange]) -> None:
    """Add what has changed at a place, or below it."""
    both = entries(before, after)
    if both is None:
        if not same(before, after):
            kind = (
                ChangeKind.ADDED if before is ABSENT else ChangeKind.REMOVED if after is ABSENT else ChangeKind.CHANGED
            )
            changes.append(StateChange(path_of(place), kind, before, after))
        return
    old, new = both
    is_list = isinstance(after, list)
    keys = [*old, *(key for key in new if key not in old)]
    for key, part in parts(keys, ids=is_list):
        _compare((*place, part), old.get(key, ABSENT), new.get(key, ABSENT), changes)
    if is_list and [key for key in keys if key in new] != [*new]:
        changes.append(StateChange(path_of(place), ChangeKind.REORDERED, [*old], [*new]))
