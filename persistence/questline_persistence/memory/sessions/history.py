"""The execution history of sessions: what an agent thought, did and saw, step by step."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from questline_persistence.arguments import Moment, key, moment
from questline_persistence.kinds import HISTORY
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import HistoryEntry, Listed, origin_of
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflicts_as
from questline_persistence.payload import encode
from questline_persistence.schema import table_of
from questline_persistence.writes import Entered

_ROWS = table_of(HISTORY)


class History:
    """The execution history of sessions: entries that are numbered, and never change.

    Parameters:
      kept: where it is kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def append(
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
        """Add an entry to the history of a session."""
        named: dict[str, Any] = {} if entry_id is None else {"entry_id": entry_id}
        entry = HistoryEntry(
            session_id=session_id,
            step_id=step_id,
            thought=thought,
            action=action,
            observation=observation,
            timestamp=None if timestamp is None else moment(timestamp, "timestamp"),
            **named,
        )
        with trying("append to the history of session", entry.session_id), conflicts_as(_entry):
            said = {name: getattr(entry, name) for name in HISTORY.body}
            encode(said, what="the entry", limit=self._kept.database.limits.memory)
            columns = {**said, "step_id": entry.step_id, "timestamp": entry.timestamp}
            added = self._kept.entry(HISTORY, entry.entry_id, columns, stream=entry.session_id)
            return _entered(entry, self._kept.enter(added))

    def list(
        self, session_id: str, *, limit: int = PAGE, cursor: str | None = None, newest_first: bool = False
    ) -> Listed[HistoryEntry]:
        """Return the entries of a session in their order or backwards, a page at a time."""
        name = key(session_id, "session_id")
        own = (*self._kept.rows(_ROWS), _ROWS.c.session_id == name)

        def query(now: float) -> Select[Any]:
            return select(_ROWS).where(*own, *reading.present(_ROWS, now))

        with trying("list the history of session", name):
            page = self._kept.page(
                query,
                (_ROWS.c.seq,),
                of=(HISTORY.name, name, newest_first),
                limit=limit,
                cursor=cursor,
                newest_first=newest_first,
                listing=Listing(HISTORY, lambda row: row.session_id == name),
            )
            return Listed(map(_entry, page.rows), page.next_cursor)


def _entered(entry: HistoryEntry, entered: Entered) -> HistoryEntry:
    """Return an entry as it is there now; in a running step, its number and time are not known yet."""
    known: dict[str, Any] = {"seq": entered.seq, "created_at": entered.created_at}
    if entry.timestamp is None and entered.created_at is not None:
        known["timestamp"] = moment(entered.created_at, "created_at")
    return entry.model_copy(update=known)


def _entry(row: Any) -> HistoryEntry:
    fields = HistoryEntry.model_fields.keys() - {"origin"}
    return HistoryEntry(**{name: getattr(row, name) for name in fields}, origin=origin_of(row))
