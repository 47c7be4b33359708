"""What a list method returns: the things themselves, and where the next page begins."""

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
