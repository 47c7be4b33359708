"""Lessons that were learnt in one session, for those to come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from questline_persistence.arguments import key, short, whole
from questline_persistence.errors import NotFound
from questline_persistence.kinds import MEMORIES
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Matches, Memory, origin_of
from questline_persistence.memory.searching import search
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflicts_as
from questline_persistence.payload import encode
from questline_persistence.schema import table_of

_ROWS = table_of(MEMORIES)


class Lessons:
    """Lessons: remembered once, recalled by their words, forgotten.

    Parameters:
      kept: where they are kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def remember(
        self,
        context: str,
        lesson: str,
        tool_name: str | None = None,
        confidence: int = 0,
        *,
        memory_id: str | None = None,
    ) -> Memory:
        """Add a lesson."""
        named: dict[str, Any] = {} if memory_id is None else {"memory_id": memory_id}
        made = Memory(context=context, lesson=lesson, tool_name=tool_name, confidence=confidence, **named)
        with trying("remember", made.memory_id), conflicts_as(memory_of):
            columns = {name: getattr(made, name) for name in (*MEMORIES.columns, *MEMORIES.body)}
            encode(columns, what="the lesson", limit=self._kept.database.limits.memory)
            entered = self._kept.enter(self._kept.entry(MEMORIES, made.memory_id, columns))
            return made.model_copy(update={"created_at": entered.created_at})

    def recall(
        self, query: str | None = None, tool_name: str | None = None, min_confidence: int = 0, *, limit: int = PAGE
    ) -> Matches[Memory]:
        """Return the lessons that have the words of a query, the best first; without one, the newest.

        A running step finds its own lessons without a query only, since they are indexed by its checkpoint.
        """
        tool, least = short(tool_name, "tool_name"), whole(min_confidence, "min_confidence")
        where = [_ROWS.c.confidence >= least, *(() if tool is None else (_ROWS.c.tool_name == tool,))]
        listing = Listing(MEMORIES, lambda row: row.confidence >= least and tool in {None, row.tool_name})
        with trying("recall"):
            if query is None:
                return self._newest(where, limit, listing)
            found = search(self._kept, MEMORIES, query, limit=limit, where=where)
            return Matches(map(memory_of, found.rows), newest_only=found.newest_only)

    def forget(self, memory_id: str) -> None:
        """Forget a lesson."""
        name = key(memory_id, "memory_id")
        with trying("forget", name):
            if not self._kept.forget(MEMORIES, name):
                raise NotFound("there is none")

    def _newest(self, where: list[ColumnElement[bool]], limit: int, listing: Listing) -> Matches[Memory]:
        own = (*self._kept.rows(_ROWS), *where)

        def query(now: float) -> Select[Any]:
            return select(_ROWS).where(*own, *reading.present(_ROWS, now))

        order = (_ROWS.c.created_at, _ROWS.c.id)
        page = self._kept.page(query, order, of=MEMORIES.name, limit=limit, listing=listing)
        return Matches(map(memory_of, page.rows), newest_only=page.next_cursor is not None)


def memory_of(row: Any) -> Memory:
    """Return the lesson of a row."""
    fields = Memory.model_fields.keys() - {"origin"}
    return Memory(**{name: getattr(row, name) for name in fields}, origin=origin_of(row))
