"""SQL text that SQLAlchemy has made from statements once, for the engines of all tests.

An engine of its own for each test would make it anew each time, which takes most of them longer than their queries.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

#: More than the statements of the whole suite.
CAPACITY = 20_000


class CompiledStatements(LRUCache[Any, Any]):
    """A cache that takes the dialects of two engines for one where they make the same text."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_of_its_kind(key))

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_its_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_its_kind(key), value)


def share() -> None:
    """Give every engine the same cache, in the place of its own."""
    shared = CompiledStatements(CAPACITY)
    Engine._compiled_cache = property(lambda _: shared, lambda *_: None)  # type: ignore[assignment]


def _of_its_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect: Dialect = key[0]
    return type(dialect), dialect.dbapi, dialect.server_version_info, *key[1:]
