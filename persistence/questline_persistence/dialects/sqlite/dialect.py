"""SQLite, by the contract of dialects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, text
from sqlalchemy.engine import URL

from questline_persistence.dialects.access import Access
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.sqlite import library, memory, once, quests, steps, texts
from questline_persistence.dialects.sqlite.access import MEMORY, FileAccess, MemoryAccess
from questline_persistence.dialects.sqlite.errors import cause, meaning
from questline_persistence.dialects.sqlite.place import place
from questline_persistence.dialects.transactions import Transactions
from questline_persistence.errors import ConfigurationError
from questline_persistence.search import fts5_tokens

#: The highest number that a table has given, which SQLite notes of those that use none again.
_NOTED = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_FORGET_NOTE = text("DELETE FROM sqlite_sequence WHERE name = :table AND seq < :after")
_NUMBER_ON = text(
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, :after FROM sqlite_master WHERE type = 'table' "
    "AND name = :table AND sql LIKE '%AUTOINCREMENT%' AND :after > 0 "
    "AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table)"
)
_SIZE = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")


class Sqlite:
    """Keeps the contract of `Dialect` for SQLite."""

    name = "sqlite"
    has_one_writer = True
    is_embedded = True
    clock: ColumnElement[float] = literal_column("((julianday('now') - 2440587.5) * 86400.0)")

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
    words_of = staticmethod(fts5_tokens)
    place = staticmethod(place)
    meaning = staticmethod(meaning)
    cause = staticmethod(cause)

    def access(self, url: URL, fresh: Callable[[], URL], *, pool: PoolLimits, pooled: bool) -> Access:  # noqa: ARG002  (the contract's)
        """Return the way to a file, or to memory."""
        return MemoryAccess(url) if url.database == MEMORY else FileAccess(url, pool)

    def decide_library(self) -> None:
        """Decide between Python's own SQLite and the wheel's."""
        library.driver()

    def check_library(self, connection: Connection) -> None:
        """Make sure that a caller's own connection is made by the SQLite library that we use here.

        Raises:
          ConfigurationError: it is not.
        """
        if not library.is_ours(connection.dialect.dbapi):
            ours = library.driver().__name__
            message = f"another SQLite library made this connection; in this process questline uses {ours}"
            raise ConfigurationError(message, hint=f"create_engine(url, module={ours})")

    def by_bytes(self, column: ColumnElement[str]) -> ColumnElement[str]:
        """Return the column: SQLite knows no other order unless a table asks for one."""
        return column

    def one_of(self, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition, with a parameter for each value."""
        return column.in_(values)

    def holds(self, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
        """Return the condition that a text is found in a column."""
        return func.instr(column, text) > 0

    def has_label(self, labels: ColumnElement[Any], key: str, value: str) -> ColumnElement[bool]:
        """Return the condition that JSON text has a label."""
        return func.json_extract(labels, f'$."{key}"') == value

    def unindexed(self, column: str) -> str:
        """Return the column with nothing added to it: an expression, which no index of the column is of."""
        return f"{column} || ''"

    def change_schema(
        self,
        store: Transactions,
        change: Callable[[Connection], object],
        *,
        tables: Collection[str],  # noqa: ARG002  (the contract's)
    ) -> None:
        """Change the schema: a transaction that writes is alone, and SQLite has checked every row."""
        store.write(change, at="migrate")

    def check_encoding(self, store: Transactions) -> None:
        """Do nothing: every file of ours is in UTF-8."""

    def server(self, store: Transactions) -> None:
        """Return None: no server keeps the store."""

    def size(self, connection: Connection) -> int:
        """Return how many bytes the file takes."""
        return int(connection.execute(_SIZE).scalar_one())

    def plan_by_keys(self, connection: Connection) -> None:
        """Leave the plan as it is: SQLite's goes by the indexes."""

    def read_briefly(self, connection: Connection) -> None:
        """Leave it: what is sought is found in the order in which it is told, and the rest is not looked at."""

    def wait_briefly(self, connection: Connection) -> None:
        """Leave it: a transaction has the one lock there is from its beginning."""

    def keep_to_itself(self, connection: Connection, tables: Sequence[str]) -> None:
        """Leave it: a transaction that writes is alone from its beginning."""

    def numbered_to(self, connection: Connection, table: str, column: str) -> int:
        """Return what SQLite has noted for the table; where it notes nothing, the highest number that is there."""
        highest = f'SELECT coalesce(max("{column}"), 0) FROM "{table}"'  # noqa: S608  (names of ours)
        noted = connection.execute(_NOTED, {"table": table}).scalar()
        return int(connection.exec_driver_sql(highest).scalar_one() if noted is None else noted)

    def number_on(self, connection: Connection, table: str, column: str, *, after: int) -> None:  # noqa: ARG002  (the contract's)
        """Note the number where SQLite keeps notes; elsewhere it goes on behind the highest that is there."""
        connection.execute(_FORGET_NOTE, {"table": table, "after": after})
        connection.execute(_NUMBER_ON, {"table": table, "after": after})

    def erase_for_good(self, connection: Connection, *, end: bool = False) -> None:
        """Overwrite pages with zeros, and at the end merge the index of words, which keeps removed ones until then."""
        if end:
            connection.exec_driver_sql("INSERT INTO memory_tokens (memory_tokens) VALUES ('rebuild')")
        connection.exec_driver_sql(f"PRAGMA secure_delete = {'OFF' if end else 'ON'}")

    def begin_callers(self, connection: Connection) -> bool:
        """Begin it: Python's driver begins none before a SAVEPOINT, and releasing that would commit."""
        driver: Any = connection.connection.driver_connection  # below SQLAlchemy's adapters of async drivers
        if driver.in_transaction:
            return True
        if (
            driver.isolation_level is None or getattr(driver, "autocommit", None) is True
        ):  # the latter since Python 3.12
            return False
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return True
