"""Where a page of a list ends: an opaque text, which the next page begins behind, for the same list only."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from questline_persistence.arguments import text
from questline_persistence.errors import PayloadError
from questline_persistence.payload import decode, encode

#: How many characters of its list's name a cursor carries.
_SHOWN = 12


def cursor_behind(of: object, place: tuple[Any, ...]) -> str:
    """Return the cursor that stands behind an item.

    Parameters:
      of: what the list is of: its kind and its filter, in a form whose `repr` tells them from all others.
      place: the columns of the item by which the list is ordered.
    """
    return base64.urlsafe_b64encode(encode([_named(of), *place], what="a cursor").encode()).decode().rstrip("=")


def place_of(cursor: str, of: object, length: int) -> tuple[Any, ...]:
    """Return the columns by which a list is ordered, of the item that a cursor stands behind.

    Parameters:
      cursor: as a page has given it.
      of: what the list is of.
      length: how many columns there are.

    Raises:
      PayloadError: no page has given it, or that of another list has.
    """
    try:
        name, *place = decode(base64.urlsafe_b64decode(text(cursor, "a cursor") + "=" * (-len(cursor) % 4)).decode())
    except (ValueError, TypeError, binascii.Error):
        name, place = None, []
    if name is None or len(place) != length:
        raise PayloadError(f"{cursor!r:.100} is not a cursor", hint="use the next_cursor of the page before")
    if name != _named(of):
        raise PayloadError("this cursor is of another list", hint="give the same filter as for the page before")
    return tuple(place)


def _named(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:_SHOWN]
