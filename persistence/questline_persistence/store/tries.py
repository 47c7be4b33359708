"""Tells a transaction that is tried again from one that is tried first: what it has done may be there already."""

from __future__ import annotations


class Tries:
    """Tells when an earlier try of a transaction may have been committed.

    Parameters:
      again: whether there has been one before.
    """

    def __init__(self, *, again: bool = False) -> None:
        self._any = again

    def again(self) -> bool:
        """Note a try; return whether there has been one before it."""
        before, self._any = self._any, True
        return before
