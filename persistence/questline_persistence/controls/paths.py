"""Where the paths lead that people type to correct a quest: `input_data.items[0].name`, `run_data.a.b#2."a key"`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from questline_persistence.controls.unsettable import Unsettable
from questline_persistence.errors import MAX_COMPARED, MAX_LISTED, PayloadError
from questline_persistence.payload import PathPart, shortened

#: How alike a new key and one that is there are taken for a slip of the pen, from 0 to 1.
ALIKE = 0.8


class Place(NamedTuple):
    """Something that a path leads to: the object or list that holds it, its key or number there, and whether it is."""

    holder: Any
    key: Any
    there: bool


def split_name(names: Iterable[str], parts: list[PathPart], path: str, *, where: str) -> tuple[str, list[PathPart]]:
    """Return the longest of `names` that the parts begin with, and the parts after it.

    Raises:
      PayloadError: they begin with none of them.
    """
    known = [*names]
    taken = _longest(set(known), parts)
    if taken:
        return _joined(parts[:taken]), parts[taken:]
    raise missing(path, parts[0].text, known, where=where)


def refuse_unsettable(
    settable: Iterable[str], parts: list[PathPart], path: str, *, others: Callable[[], Mapping[str, Unsettable]]
) -> None:
    """Raise where parts begin with nothing that can be set, but with something else that is there.

    Parameters:
      others: returns, by their names, why other things cannot be set; called only where it matters.

    Raises:
      PayloadError: it says why, and what to do.
    """
    if _longest(set(settable), parts):
        return
    unsettable = others()
    if taken := _longest(unsettable, parts):
        found = unsettable[_joined(parts[:taken])]
        raise PayloadError(f"cannot set {shortened(path)}: {found.reason}", hint=found.hint)


def _longest(names: set[str] | Mapping[str, Any], parts: list[PathPart]) -> int:
    """Return how many parts make up the longest of `names` that they begin with: keys may have dots in them."""
    if parts[0].quoted:
        return int(parts[0].text in names)
    most = next((number for number, part in enumerate(parts) if part.quoted), len(parts))
    return next((number for number in range(most, 0, -1) if _joined(parts[:number]) in names), 0)


def _joined(parts: list[PathPart]) -> str:
    return ".".join(part.text for part in parts)


def find(data: Any, parts: list[PathPart], path: str, *, new_keys: bool) -> Place:
    """Return the place in `data` that the parts lead to.

    Parameters:
      new_keys: whether the last part may name a key that is not there yet, right in `data`; deeper inside it may only
        in quotes.

    Raises:
      PayloadError: there is no such place; it tells what there is instead.
    """
    place, rest, top = data, parts, True
    while True:
        key, taken = _entry(place, rest)
        if taken == len(rest):
            return Place(place, key, there=True)
        if not taken:
            _refuse_missing(place, rest, path, may_be_new=top and new_keys)
            return Place(place, rest[0].text, there=False)
        place, rest, top = place[key], rest[taken:], False


def _entry(place: Any, parts: list[PathPart]) -> tuple[Any, int]:
    """Return the key or number in `place` that the parts begin with, and how many of them it takes, or 0."""
    if isinstance(place, dict):
        taken = _longest(place, parts)
        return _joined(parts[:taken]), taken
    number = parts[0].text
    if isinstance(place, list) and number.isascii() and number.isdecimal() and int(number) < len(place):
        return int(number), 1
    return None, 0


def _refuse_missing(place: Any, rest: list[PathPart], path: str, *, may_be_new: bool) -> None:
    """Raise unless the last part names a key that may be added to `place`."""
    key = rest[0]
    numbers = range(len(place)) if isinstance(place, list) else ()
    names = [*place] if isinstance(place, dict) else [f"[{number}]" for number in numbers]
    addable = isinstance(place, dict) and len(rest) == 1
    slip = difflib.get_close_matches(key.text[:MAX_COMPARED], names, 1, ALIKE)
    if addable and (key.quoted or (may_be_new and not slip)):
        return
    hint = "; to add a new key, put it in double quotes" if addable else ""
    raise missing(path, key.text, names, where="there", hint=hint)


def missing(path: str, name: str, names: Iterable[str], *, where: str, hint: str = "") -> PayloadError:
    """Return the error that a part of a path is not there, with what is: the nearest first."""
    compared = name[:MAX_COMPARED]
    near = sorted(names, key=lambda one: -difflib.SequenceMatcher(None, compared, one[:MAX_COMPARED]).ratio())
    listed = ", ".join(near[:MAX_LISTED]) + (", …" if len(near) > MAX_LISTED else "")
    message = f"cannot set {shortened(path)}: there is no {shortened(name)} {where}"
    return PayloadError(message, hint=f"what exists: {listed or 'nothing'}{hint}")
