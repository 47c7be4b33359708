"""What a dialect may ask of an opened store: transactions, which are tried again where that may help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Transactions(Protocol):
    """An opened store, as its dialect sees it."""

    @property
    def name(self) -> str:
        """The URL without its password, for people."""
        ...

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return `work(connection)` of one read transaction."""
        ...

    def write(self, work: Callable[[Connection], T], *, at: str = ..., limited: bool = ...) -> T:
        """Return `work(connection)` after one committed write transaction.

        Parameters:
          at: the transaction's name among `failpoints.TRANSACTIONS`.
          limited: whether what took too long, or waited too long for a lock, is told of at once.
        """
        ...
