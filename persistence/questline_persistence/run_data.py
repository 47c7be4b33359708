"""A quest's outputs by name: a Lord's newest under its name, and each of several under `name#n`, too.

`n` says which step of its Lord it was, counted over the plan. The names of one Lord stand in the order in which its
steps ran, so the last of them is the output that the bare name means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_NUMBERED = re.compile(r"(.+)#([1-9][0-9]{0,8})", re.DOTALL)


class Numbered(NamedTuple):
    """One output of a Lord: its full name, which step of its Lord it was, and what came of it."""

    name: str
    number: int
    output: Any


class RunData:
    """Outputs that are put together one after the other, in the order in which their steps ran.

    Parameters:
      data: the outputs so far; they are changed in place.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._numbered = {parted[0] for parted in map(split, data) if parted[1]}

    def add(self, lord_name: str, number: int, output: Any) -> None:
        """Put in the output of the `number`-th step of a Lord, as its newest."""
        if number > 1 and lord_name in self.data and lord_name not in self._numbered:
            self.data[_name(lord_name, 1)] = self.data[lord_name]
        if number > 1 or lord_name in self._numbered:
            self._numbered.add(lord_name)
            name = _name(lord_name, number)
            self.data.pop(name, None)  # one that is put in again becomes the last of its Lord
            self.data[name] = output
        self.data[lord_name] = output


def split(name: str) -> tuple[str, int]:
    """Return the Lord that a name means, and the number of its step, or 0 where the name has none."""
    parted = _NUMBERED.fullmatch(name)
    return (parted[1], int(parted[2])) if parted else (name, 0)


def _name(lord_name: str, number: int) -> str:
    return f"{lord_name}#{number}"


def each(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names under which each output stands once: of several of one Lord, those with a number."""
    numbered = {parted[0] for parted in map(split, data) if parted[1]}
    return (name for name in data if name not in numbered)


def outputs_of(data: Mapping[str, Any], lord_name: str) -> list[Numbered]:
    """Return the outputs of one Lord in the order in which its steps ran."""
    found = [
        Numbered(name, number, output)
        for name, output in data.items()
        for lord, number in (split(name),)
        if number and lord == lord_name
    ]
    if not found and lord_name in data:
        found = [Numbered(lord_name, 1, data[lord_name])]
    return found


def find(data: Mapping[str, Any], name: str) -> Any:
    """Return the output that a name means; `name#1` may also be asked for where a Lord has only that one.

    Raises:
      KeyError: there is none.
    """
    if name in data:
        return data[name]
    lord_name, number = split(name)
    for one in outputs_of(data, lord_name):
        if one.number == number:
            return one.output
    raise KeyError(name)


def names(data: Mapping[str, Any]) -> list[str]:
    """Return every name under which `find` has an output."""
    return [*data, *(f"{name}#1" for name in each(data) if not split(name)[1])]


def same_as(data: Mapping[str, Any], name: str) -> set[str]:
    """Return the names that stand for the same output as `name`, which is one of `names`: a Lord's newest has two."""
    lord_name, number = split(name)
    newest = outputs_of(data, lord_name)[-1]
    same = name == lord_name or number == newest.number
    return {one for one in (lord_name, newest.name) if one in data} if same else {name}


def numbers(data: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield, for each name, its Lord and the number of the step that it is known to stand for: 1 without one."""
    return ((lord_name, number or 1) for lord_name, number in map(split, data))


def without(data: Mapping[str, Any], taken_back: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Return the outputs as they were before some steps ran, each given by its Lord and its number."""
    gone = set(taken_back)
    touched = {lord_name for lord_name, _ in gone}
    rest = RunData({name: output for name, output in data.items() if split(name)[0] not in touched})
    for lord_name in touched:
        for one in outputs_of(data, lord_name):
            if (lord_name, one.number) not in gone:
                rest.add(lord_name, one.number, one.output)
    return rest.data
