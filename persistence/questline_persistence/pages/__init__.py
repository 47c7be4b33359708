"""Where a page of a list ends, as an opaque text: what lists of all rooms have in common."""

from questline_persistence.pages.cursor import cursor_behind, place_of

__all__ = ["cursor_behind", "place_of"]
