"""Paths into JSON data, as people type them: `input_data.items[0].name`, `run_data.a.b#2."a key"`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from questline_persistence.errors import PayloadError
from questline_persistence.payload.encoding import shortened

#: Most parts that a path has.
MAX_PARTS = 120

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|\[\d{1,9}\]|[^.\[\]"]+')
_BARE = re.compile(r'[^\s.\[\]"\\]+')
_HINT = 'write KEY.KEY, [NUMBER] for an item of a list, and "a key" in double quotes where it has dots or brackets'


class PathPart(NamedTuple):
    """A part of a path: a key or the number of an item; a quoted one is meant exactly as it stands."""

    text: str
    quoted: bool = False


def parse_path(path: str) -> list[PathPart]:
    """Return the parts of a path.

    Raises:
      PayloadError: it cannot be read.
    """
    parts: list[PathPart] = []
    at = 0
    while at < len(path):
        found = _PART.match(path, at)
        if found is None or len(parts) == MAX_PARTS:
            raise _unreadable(path)
        parts.append(_part(found[0], path))
        at = found.end()
        if path[at : at + 1] == "." and at + 1 < len(path):
            at += 1
        elif path[at : at + 1] not in {"", "["}:
            raise _unreadable(path)
    if not parts:
        raise _unreadable(path)
    return parts


def _part(text: str, path: str) -> PathPart:
    if text.startswith("["):
        return PathPart(text[1:-1])
    if not text.startswith('"'):
        return PathPart(text)
    try:
        return PathPart(json.loads(text), quoted=True)
    except ValueError:
        raise _unreadable(path) from None


def _unreadable(path: str) -> PayloadError:
    return PayloadError(f"{shortened(path)} is not a path", hint=_HINT)


def path_of(parts: Iterable[PathPart]) -> str:
    """Return the path that `parse_path` reads as `parts`; one that needs quotes is read as a quoted part."""
    return ".".join(_written(part) for part in parts)


def _written(part: PathPart) -> str:
    bare = not part.quoted and part.text.isprintable() and _BARE.fullmatch(part.text)
    return part.text if bare else json.dumps(part.text, ensure_ascii=False)
