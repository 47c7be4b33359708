"""The choice of a dialect: by a store's URL when it is opened, or by a connection that is at hand."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from questline_persistence.dialects.dialect import Dialect
from questline_persistence.dialects.postgres import Postgres
from questline_persistence.dialects.sqlite import Sqlite

_DIALECTS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in (Sqlite(), Postgres())}


def dialect_for(url: URL) -> Dialect:
    """Return the dialect of the store at `url`."""
    return _DIALECTS[url.get_backend_name()]


def dialect_of(connection: Connection) -> Dialect:
    """Return the dialect that a connection speaks, which may be a caller's own."""
    return _DIALECTS[connection.dialect.name]
