"""The execution history of sessions in a database, as programs use it."""

from __future__ import annotations

from questline_persistence.arguments import Moment
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import HistoryEntry, Listed
from questline_persistence.memory.sessions.db_manager import DbManager
from questline_persistence.memory.sessions.history import History


class ExecutionHistory(DbManager):
    """Keeps what an agent thought, did and saw in each session, in a database.

    Entries are only added, so writers never conflict: any number of programs may append to one session at once, and
    its entries are numbered 1, 2, 3 … without a gap.

    Parameters:
      db_url: a path of an SQLite file, ":memory:", or a URL of SQLite or PostgreSQL; None means the one that the
        settings name. Or a manager, whose connections this object shares.
      pool_size: how many connections are kept open.
      max_overflow: how many more may be open for a moment.
      echo: whether each SQL statement is logged, without its values.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: a number is none, or the namespace or the key prefix no text.

    Example:
      history = ExecutionHistory("app.db")
      await history.append("s1", 1, thought="look first", action="ls", observation="README.md")
      entries = await history.list("s1")
      await history.close()
    """

    async def append(
        self,
        session_id: str,
        step_id: int,
        thought: str | None = None,
        action: str | None = None,
        observation: str | None = None,
        *,
        timestamp: Moment | None = None,
        entry_id: str | None = None,
    ) -> HistoryEntry:
        """Add an entry to the history of a session.

        Parameters:
          session_id: the session, which need not have a state.
          step_id: your own number of the step; several entries may be about one.
          thought: what the agent thought.
          action: what it did.
          observation: what it saw then.
          timestamp: when that was: epoch seconds, a datetime or ISO 8601 text; None means now, by the database's clock.
          entry_id: the entry's id; a new one, if not given. The same entry under the same id is there once.

        Returns:
          The entry with its number in the session, `seq`.

        Raises:
          Conflict: there is an entry of this id that says something else.
          PayloadError: a value is of the wrong type, or the entry too large.
        """
        return await self._call(
            lambda: self._history.append(
                session_id, step_id, thought, action, observation, timestamp=timestamp, entry_id=entry_id
            )
        )

    async def list(
        self, session_id: str, *, limit: int = PAGE, cursor: str | None = None, newest_first: bool = False
    ) -> Listed[HistoryEntry]:
        """Return the entries of a session, a page at a time, the first one first.

        Parameters:
          session_id: the session.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
          newest_first: whether the last one comes first.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._call(
            lambda: self._history.list(session_id, limit=limit, cursor=cursor, newest_first=newest_first)
        )

    @property
    def _history(self) -> History:
        return History(self._kept)
