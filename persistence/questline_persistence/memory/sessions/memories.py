"""Lessons in a database, as programs use them."""

from __future__ import annotations

from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Matches, Memory
from questline_persistence.memory.sessions.db_manager import DbManager
from questline_persistence.memory.sessions.lessons import Lessons


class Memories(DbManager):
    """Keeps lessons in a database: what was learnt in one session, for those to come.

    Any number of programs, threads and tasks may use one store at once. Nothing connects before the first call.

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
      memories = Memories("app.db")
      await memories.remember("reading CSV", "the delimiter may be a semicolon", tool_name="read_csv", confidence=80)
      lessons = await memories.recall("csv delimiter", min_confidence=50)
      await memories.close()
    """

    async def remember(
        self,
        context: str,
        lesson: str,
        tool_name: str | None = None,
        confidence: int = 0,
        *,
        memory_id: str | None = None,
    ) -> Memory:
        """Add a lesson, which never changes.

        Parameters:
          context: in which circumstances it was learnt.
          lesson: what was learnt.
          tool_name: the tool that it is about.
          confidence: how sure it is, in whole numbers of your own scale.
          memory_id: the lesson's id; a new one, if not given. The same lesson under the same id is there once.

        Returns:
          The lesson with its id and when it was remembered.

        Raises:
          Conflict: there is a lesson of this id that says something else, or there was one and it was forgotten.
          PayloadError: a value is of the wrong type, or the lesson too large.
        """
        return await self._call(
            lambda: self._lessons.remember(context, lesson, tool_name, confidence, memory_id=memory_id)
        )

    async def recall(
        self, query: str | None = None, tool_name: str | None = None, min_confidence: int = 0, limit: int = PAGE
    ) -> Matches[Memory]:
        """Return the lessons that have the words of a query, the best first; without one, the newest first.

        Parameters:
          query: words, all of which must be there: in the context, the lesson or the tool's name. `"a phrase"`, `pre*`
            and `-without` say more.
          tool_name: only those about this tool.
          min_confidence: only those at least as sure as this.
          limit: at most this many, 1 to 1,000.

        Returns:
          A list that says by `newest_only` whether there were more, so that it holds the newest or the best of these.

        Raises:
          PayloadError: a value is of the wrong type, or a limit out of range.
        """
        return await self._call(lambda: self._lessons.recall(query, tool_name, min_confidence, limit=limit))

    async def forget(self, memory_id: str) -> None:
        """Forget a lesson: nobody recalls it any more.

        Parameters:
          memory_id: its id.

        Raises:
          NotFound: there is none, or it was forgotten already.
          PayloadError: the key is none.
        """
        await self._call(lambda: self._lessons.forget(memory_id))

    @property
    def _lessons(self) -> Lessons:
        return Lessons(self._kept)
