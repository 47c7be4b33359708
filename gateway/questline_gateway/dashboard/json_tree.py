"""JSON as a tree that a page can show: bounded, in the order of its keys, and with integers of any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Most characters of one tree; what is beyond is named, and can be downloaded.
MAX_TEXT = 64_000
#: Most characters of one text in a tree.
MAX_STRING = 4_000
#: Most values of one tree.
MAX_NODES = 1_500
#: Up to how many values an object or a list stands open by itself, and how deep.
OPEN_VALUES, OPEN_DEPTH = 12, 2


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a tree.

    Parameters:
      key: its name in the object that it stands in, or its number in the list; None at the root.
      kind: "s" for a text, "n" for a number, "b" for true, false and null, "o" for an object, "a" for a list.
      text: a plain value as JSON; of an object or list, how many values it has.
      children: the values that it has, or the first of them.
      more: how many further values it has that are not shown.
      opened: whether it stands open by itself.
    """

    key: str | None
    kind: str
    text: str
    children: tuple[Node, ...] = ()
    more: int = 0
    opened: bool = False

    @property
    def leaf(self) -> bool:
        """Whether it is a plain value."""
        return self.kind not in {"o", "a"}


@dataclass(slots=True)
class _Room:
    """What is left for a tree."""

    text: int = MAX_TEXT
    nodes: int = MAX_NODES

    @property
    def spent(self) -> bool:
        return self.text <= 0 or self.nodes <= 0


def tree_of(value: Any) -> Node:
    """Return JSON as a tree, as much of it as a page can show."""
    return _node(None, value, _Room(), 0)


def _node(key: str | None, value: Any, room: _Room, depth: int) -> Node:
    room.nodes -= 1
    if isinstance(value, dict | list):
        return _branch(key, value, room, depth)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and len(text) > MAX_STRING:
        text = f"{text[:MAX_STRING]}… ({len(value):,} characters)"
    room.text -= len(text) + len(key or "")
    kind = "s" if isinstance(value, str) else "b" if value is None or isinstance(value, bool) else "n"
    return Node(key, kind, text)


def _branch(key: str | None, value: dict[str, Any] | list[Any], room: _Room, depth: int) -> Node:
    children: list[Node] = []
    for name, child in _items(value):
        if room.spent:
            break
        children.append(_node(name, child, room, depth + 1))
    kind, brackets = ("o", "{}") if isinstance(value, dict) else ("a", "[]")
    text = f"{brackets[0]}{len(value):,}{brackets[1]}"
    opened = depth < OPEN_DEPTH and len(value) <= OPEN_VALUES
    return Node(key, kind, text, tuple(children), len(value) - len(children), opened or depth == 0)


def _items(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        for index, child in enumerate(value):
            yield str(index), child
