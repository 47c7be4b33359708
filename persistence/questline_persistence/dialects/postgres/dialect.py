"""PostgreSQL, by the contract of dialects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, any_, collate, func, literal, literal_column, type_coerce
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from questline_persistence.dialects.access import Access
from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.postgres import memory, once, quests, sessions, steps, table_locks, texts
from questline_persistence.dialects.postgres.access import ServerAccess
from questline_persistence.dialects.postgres.errors import meaning
from questline_persistence.dialects.postgres.place import place
from questline_persistence.dialects.postgres.server import server_of
from questline_persistence.dialects.transactions import Transactions
from questline_persistence.search import tsvector_tokens

_SIZE = sql("SELECT pg_database_size(current_database())")
#: What numbers the rows of a table, and how it is set.
_SEQUENCE = sql("SELECT pg_get_serial_sequence(:table, :column)")
_NUMBER_ON = sql("SELECT setval(pg_get_serial_sequence(:table, :column), :after)")
#: How long a count waits for its row, which somebody else may have locked.
_BRIEFLY = "SET LOCAL lock_timeout = '1s'"
#: How long a statement may take that somebody waits for who has typed a search. It is planned for the words at hand:
#: the rows that have a rare one are found by their words, those that have a common one from the newest on.
_READ_BRIEFLY = "SET LOCAL statement_timeout = '2s'; SET LOCAL plan_cache_mode = force_custom_plan"


class Postgres:
    """Keeps the contract of `Dialect` for PostgreSQL."""

    name = "postgresql"
    has_one_writer = False
    is_embedded = False
    clock: ColumnElement[float] = literal_column("extract(epoch FROM clock_timestamp())::float8")

    claim = staticmethod(steps.claim)
    mine = staticmethod(steps.mine)
    ended = staticmethod(steps.ended)
    checkpoint = staticmethod(steps.checkpoint)
    record_once = staticmethod(once.record_once)
    insert_quests = staticmethod(quests.insert)
    save = staticmethod(memory.save)
    save_all = staticmethod(memory.save_all)
    enter = staticmethod(memory.enter)
    texts_with = staticmethod(texts.texts_with)
    newest_first = staticmethod(texts.newest_first)
    add_texts = staticmethod(texts.add_texts)
    remove_texts = staticmethod(texts.remove_texts)
    words_of = staticmethod(tsvector_tokens)
    place = staticmethod(place)
    check_encoding = staticmethod(table_locks.require_utf8)
    server = staticmethod(server_of)
    meaning = staticmethod(meaning)

    def access(self, url: URL, fresh: Callable[[], URL], *, pool: PoolLimits, pooled: bool) -> Access:
        """Return the way to a server."""
        return ServerAccess(url, fresh, pool=pool, pooled=pooled)

    def decide_library(self) -> None:
        """Do nothing: there is one library."""

    def check_library(self, connection: Connection) -> None:
        """Take any: the server keeps clients apart."""

    def by_bytes(self, column: ColumnElement[str]) -> ColumnElement[str]:
        """Return the column with the collation of bytes, whatever the database's is."""
        return collate(column, "C")

    def one_of(self, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition, with all values in one parameter: the statement is the same for any number."""
        return column == any_(literal(values, ARRAY(Text)))

    def holds(self, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
        """Return the condition that a text is found in a column."""
        return func.strpos(column, text) > 0

    def has_label(self, labels: ColumnElement[Any], key: str, value: str) -> ColumnElement[bool]:
        """Return the condition that JSONB contains a label, for which there is an index."""
        return type_coerce(labels, JSONB).contains({key: value})

    def unindexed(self, column: str) -> str:
        """Return the column with nothing added to it: an expression, which no index of the column is of."""
        return f"{column} || ''"

    def change_schema(
        self, store: Transactions, change: Callable[[Connection], object], *, tables: Collection[str]
    ) -> None:
        """Change the schema in short tries, under running workers; rows are checked while others use them."""
        table_locks.with_tables_locked(store, change)
        table_locks.validate(store, tables)

    def size(self, connection: Connection) -> int:
        """Return how many bytes the database takes on its server."""
        return int(connection.execute(_SIZE).scalar_one())

    def plan_by_keys(self, connection: Connection) -> None:
        """Set how the rest of a transaction is planned."""
        execute(connection, "".join(f"SET LOCAL {name} = {value};" for name, value in sessions.PLANNING.items()))

    def read_briefly(self, connection: Connection) -> None:
        """Set how long a statement may take, and have it planned for its values."""
        connection.exec_driver_sql(_READ_BRIEFLY)

    def wait_briefly(self, connection: Connection) -> None:
        """Set how long the rest of a transaction waits for a lock."""
        connection.exec_driver_sql(_BRIEFLY)

    def keep_to_itself(self, connection: Connection, tables: Sequence[str]) -> None:
        """Lock the tables against writers, once those under way have ended, and lift the limit of idling."""
        connection.execute(sql("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(sql(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE"))

    def numbered_to(self, connection: Connection, table: str, column: str) -> int:
        """Return what the column's sequence has come to, whoever took the numbers."""
        name = connection.execute(_SEQUENCE, {"table": table, "column": column}).scalar_one()
        last, is_called = connection.execute(sql(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608  (quoted by the server)
        return int(last) if is_called else 0

    def number_on(self, connection: Connection, table: str, column: str, *, after: int) -> None:
        """Set the column's sequence."""
        if after > 0:
            connection.execute(_NUMBER_ON, {"table": table, "column": column, "after": after})

    def erase_for_good(self, connection: Connection, *, end: bool = False) -> None:
        """Leave it: vacuum takes away what is removed, and overwrites it in time."""

    def cause(self, error: SQLAlchemyError) -> SQLAlchemyError:
        """Return the error itself, which says what happened."""
        return error

    def begin_callers(self, connection: Connection) -> bool:  # noqa: ARG002  (the contract's)
        """Leave it: every driver begins a transaction before a SAVEPOINT, or the server refuses that."""
        return True
