"""Which PostgreSQL database a connection is to, whatever the name of the host or the pooler in between."""

from __future__ import annotations

from sqlalchemy import Connection

from questline_persistence.dialects.place import Place
from questline_persistence.dialects.postgres.url import shown

#: The server by the moment of its start, its database, and which table of the name is seen on the search path. Anybody
#: may ask, unlike for the server's own identifier.
_WHERE = """
SELECT extract(epoch FROM pg_postmaster_start_time())::text, current_database()::text,
  coalesce(to_regclass('quest_executions')::oid::text, ''), coalesce(current_schema()::text, 'none')
"""


def place(connection: Connection) -> Place:
    """Return the database of a connection: one statement."""
    start, database, table, schema = connection.exec_driver_sql(_WHERE).one()
    url = connection.engine.url
    name = shown(url.set(database=database))
    return Place((start, database, table), f"{name}, schema {schema}")
