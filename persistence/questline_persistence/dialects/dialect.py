"""The contract between questline and a kind of database: all that differs from one to another.

A database fits if its statements return what they changed (RETURNING) and its transactions lock rows, or let one
writer in at a time. To add one: a folder beside `sqlite` and `postgres` with a class that keeps this contract, its name
in `chosen`, and the contract tests of the store run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, FromClause, Select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, OnceRecord, Settled, Succeeded
from questline_persistence.dialects.access import Access
from questline_persistence.dialects.meaning import Meaning
from questline_persistence.dialects.place import Place
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.server import Server
from questline_persistence.dialects.transactions import Transactions
from questline_persistence.new_quest import NewQuest
from questline_persistence.search import Query
from questline_persistence.writes import Entered, Enters, Saved, Saves, Words


class Dialect(Protocol):
    """A kind of database. It holds nothing of a store: one object serves all stores of its kind."""

    @property
    def name(self) -> str:
        """Its name, as SQLAlchemy has it; for people and messages, not to be compared."""
        ...

    @property
    def has_one_writer(self) -> bool:
        """Whether transactions write one at a time: then what is committed together costs one sync."""
        ...

    @property
    def is_embedded(self) -> bool:
        """Whether no server keeps a store: its schema is made on the way, and its clock is this machine's."""
        ...

    def access(self, url: URL, fresh: Callable[[], URL], *, pool: PoolLimits, pooled: bool) -> Access:
        """Return the way to a store, which is not opened yet.

        Parameters:
          url: the store's.
          fresh: returns the URL, anew for each connection: its password may have changed.
          pool: how many connections there are at most.
          pooled: whether a pooler is known to share a server's sessions among transactions.
        """
        ...

    def decide_library(self) -> None:
        """Decide which library this process uses, where there are several that must not meet."""
        ...

    def check_library(self, connection: Connection) -> None:
        """Make sure that a caller's own connection is made by a library that may meet ours.

        Raises:
          ConfigurationError: it is not.
        """
        ...

    def claim(
        self,
        connection: Connection,
        requests: Sequence[ClaimRequest],
        *,
        worker_id: str,
        namespace: str,
        handlers: list[str],
        now: float,
    ) -> list[Claim]:
        """Move ready tickets to running, for each request that finds one; return the claims won.

        Parameters:
          requests: the steps to claim, each with the name of the claim, should it be won.
          worker_id: who is to hold the claims.
          namespace: the tenant; no ticket of another one is claimed.
          handlers: the steps that this worker knows, as `lord:tool`.
          now: the database's time in epoch seconds.
        """
        ...

    def mine(
        self, connection: Connection, requests: Sequence[ClaimRequest], *, worker_id: str, namespace: str, now: float
    ) -> list[Claim]:
        """Return the claims among `requests` that are held already: by a claim whose reply was lost.

        Parameters:
          requests: as they were sent before.
          worker_id: who holds the claims.
          namespace: the tenant.
          now: when the claims are said to begin, in epoch seconds of the database.
        """
        ...

    def ended(self, connection: Connection, requests: Sequence[ClaimRequest]) -> set[str]:
        """Return which of the claims have a run in the history: they were won before, and have ended since."""
        ...

    def checkpoint(
        self,
        connection: Connection,
        checkpoints: Sequence[Checkpoint[Succeeded]],
        *,
        worker_id: str,
        handlers: list[str],
        now: float,
        code_version: str | None = None,
    ) -> dict[str, Settled]:
        """Commit results and move their tickets on; return what became of each claim that still held its step.

        Parameters:
          checkpoints: the claims that came to a result, of one namespace.
          worker_id: who is to hold the claims on the next steps, where those are wanted.
          handlers: the steps that this worker knows, as `lord:tool`; no other is claimed in the same go.
          now: the database's time in epoch seconds.
          code_version: which code ran the steps, kept with each run.

        Returns:
          What became of each claim, by its id; one that is missing had lost its step, and nothing was written of it.
        """
        ...

    def record_once(self, connection: Connection, records: Sequence[OnceRecord]) -> set[tuple[str, str]]:
        """Keep what calls within steps came to; return the claim and the name of each that its claim still allowed.

        The ticket of each is locked until the commit, so that no claim ends meanwhile. A record that the same claim has
        made already is left as it is, and returned.

        Parameters:
          records: what the calls came to.
        """
        ...

    def insert_quests(self, connection: Connection, batch: Sequence[NewQuest], *, tickets_too: bool = True) -> int:
        """Insert whole quests of one namespace; return how many were new.

        One whose id a deleted quest had is new only with an epoch above that one's. If not all are new, the caller is
        to roll back what came of the others.

        Parameters:
          batch: the quests; few enough for one statement.
          tickets_too: False inserts no ticket, so that nobody runs the quest before it is told to.
        """
        ...

    def save(self, connection: Connection, write: Saves, *, now: float) -> Saved | None:
        """Add a version of a key of what Lords remember, numbered by its head, which it locks.

        Parameters:
          write: what is saved.
          now: the database's time in epoch seconds.

        Returns:
          The version; None, and nothing is written, where the head is not at the version expected, or where there is
          none and the write makes none.
        """
        ...

    def save_all(self, connection: Connection, writes: Sequence[Saves], *, now: float) -> list[Saved | None]:
        """Add versions of keys, as `save` does, whose heads are locked in the order given.

        Parameters:
          writes: what is saved, of the same form as each other: see `Saves.goes_with`.
          now: the database's time in epoch seconds.

        Returns:
          The versions. None stands for a key that is not at the version expected; then the transaction must not go on.
        """
        ...

    def enter(self, connection: Connection, write: Enters, *, now: float) -> Entered:
        """Add an entry of what Lords remember, numbered by the head of its stream if its kind has one.

        Parameters:
          write: what is entered.
          now: the database's time in epoch seconds.

        Raises:
          IntegrityError: there is one with its id.
        """
        ...

    def texts_with(self, query: Query, kind: str, namespace: str, prefix: str) -> Select[Any]:
        """Return the query for the texts whose words match: their ids, their rows' ids, and their words as one text.

        It only narrows: whoever reads the rows compares their namespace and prefix as well.

        Parameters:
          query: what is looked for.
          kind: the table of the rows.
          namespace: the tenant.
          prefix: the key prefix.
        """
        ...

    def newest_first(self, texts: FromClause) -> tuple[ColumnElement[Any], ...]:
        """Return what the texts that `texts_with` finds are ordered by, as a subquery, to have the newest first."""
        ...

    def add_texts(self, connection: Connection, kind: str, rows: Sequence[Words]) -> None:
        """Add the words of rows that have none.

        Parameters:
          connection: that of a write transaction.
          kind: the table of the rows.
          rows: their words.
        """
        ...

    def remove_texts(self, connection: Connection, kind: str, rows: Select[tuple[int]]) -> None:
        """Remove the words of rows, by which they were found.

        Parameters:
          connection: that of a write transaction.
          kind: the table of the rows.
          rows: the query for their ids.
        """
        ...

    def erase_for_good(self, connection: Connection, *, end: bool = False) -> None:
        """Have what the rest of a transaction removes be overwritten where it stood, as far as the database can.

        Parameters:
          connection: that of a write transaction.
          end: whether all has been removed: then words are overwritten, too, and what follows is as usual.
        """
        ...

    def words_of(self, text: str) -> tuple[str, ...]:
        """Return the words that a row of `texts_with` has as one text."""
        ...

    @property
    def clock(self) -> ColumnElement[float]:
        """The database's time in epoch seconds, as an expression."""
        ...

    def by_bytes(self, column: ColumnElement[str]) -> ColumnElement[str]:
        """Return a column of text such that it is compared and ordered by its bytes, as Python does."""
        ...

    def one_of(self, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a column of text is one of many values."""
        ...

    def holds(self, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
        """Return the condition that a column of text holds another text, letter for letter."""
        ...

    def has_label(self, labels: ColumnElement[Any], key: str, value: str) -> ColumnElement[bool]:
        """Return the condition that a column of labels has this one."""
        ...

    def unindexed(self, column: str) -> str:
        """Return, as SQL, a column of text worded so that no index of it is used: the row is to be found by its key.

        Where many rows share a value, a plan that goes by its index reads all of them to find one.
        """
        ...

    def change_schema(
        self, store: Transactions, change: Callable[[Connection], object], *, tables: Collection[str]
    ) -> None:
        """Change the schema in one transaction, after whoever changes it now.

        Parameters:
          change: makes the change; it may be called again.
          tables: the names of ours.

        Raises:
          StoreUnavailable: others have kept the tables locked all the while.
        """
        ...

    def check_encoding(self, store: Transactions) -> None:
        """Make sure that the database can hold what handlers return and raise.

        Raises:
          ConfigurationError: its encoding is another one.
        """
        ...

    def server(self, store: Transactions) -> Server | None:
        """Return what the server is and how it is reached; None if no server keeps the store."""
        ...

    def size(self, connection: Connection) -> int:
        """Return how many bytes the database takes, whatever else is in it."""
        ...

    def plan_by_keys(self, connection: Connection) -> None:
        """Have the rest of a transaction planned as step statements are: by keys, whatever is known of the tables."""
        ...

    def read_briefly(self, connection: Connection) -> None:
        """Have each statement in the rest of a transaction take two seconds at most, and be planned for its values."""
        ...

    def wait_briefly(self, connection: Connection) -> None:
        """Have the rest of a transaction wait for a lock for a second at most, where it waits for rows."""
        ...

    def keep_to_itself(self, connection: Connection, tables: Sequence[str]) -> None:
        """Let nobody else write tables for the rest of a transaction, which may take long; others read them.

        Parameters:
          tables: their names.
        """
        ...

    def numbered_to(self, connection: Connection, table: str, column: str) -> int:
        """Return the highest number that a table has ever given to a row; 0 where it has given none.

        Parameters:
          table: the table.
          column: its primary key, which it numbers.
        """
        ...

    def number_on(self, connection: Connection, table: str, column: str, *, after: int) -> None:
        """Have a table, whose rows were numbered elsewhere, give higher numbers than that from now on.

        Parameters:
          table: the table.
          column: its primary key.
          after: the number; 0 means that none was given.
        """
        ...

    def meaning(self, error: DBAPIError) -> Meaning:
        """Return what an error of this database means, whatever driver has raised it."""
        ...

    def cause(self, error: SQLAlchemyError) -> SQLAlchemyError:
        """Return the error that an error only hides, such as a full disk behind a savepoint that is gone; or itself."""
        ...

    def begin_callers(self, connection: Connection) -> bool:
        """Begin a caller's own transaction where its driver would begin none before a savepoint.

        Returns:
          Whether there can be a transaction: False where it is seen that each statement commits by itself.
        """
        ...

    def place(self, connection: Connection) -> Place:
        """Return which database a connection is to; it locks nothing."""
        ...
