"""What methods return that list or search: the things themselves, and what is to be known of the list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Listed(list[T]):
    """A list of things, which is one page of all there are.

    Parameters:
      items: the things, in order.
      next_cursor: give it as `cursor=` for the next page; None if this is the last one.
    """

    def __init__(self, items: Iterable[T] = (), next_cursor: str | None = None) -> None:
        super().__init__(items)
        self.next_cursor = next_cursor


class Matches(list[T]):
    """What a search has found, the best first.

    Parameters:
      items: the things.
      newest_only: whether there were more matches than are ranked: then these are the best of the newest.
    """

    def __init__(self, items: Iterable[T] = (), *, newest_only: bool = False) -> None:
        super().__init__(items)
        self.newest_only = newest_only
