"""Events: what users, agents and the system did in a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row

from questline_persistence.arguments import key, short
from questline_persistence.kinds import EVENTS, SESSIONS
from questline_persistence.memory import reading
from questline_persistence.memory.batches import batch_of
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Event, Listed, Matches, checked, origin_of
from questline_persistence.memory.searching import search
from questline_persistence.memory.states.part import Part, metadata_of
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflicts_as
from questline_persistence.schema import table_of
from questline_persistence.writes import Entered, Enters

_ROWS = table_of(EVENTS)


class Events(Part):
    """The events of sessions, each numbered in its session. Whoever adds one meets no conflict."""

    def save_event(self, event: Event) -> Event:
        """Add an event to its session; saved again under its id, it is there once."""
        found = checked(event, Event)
        with trying("save event", found.event_id), conflicts_as(event_of):
            return _entered(found, self._kept.enter(self._enters(found)))

    def save_events(self, events: Iterable[Event]) -> list[Event]:
        """Add several events in one transaction, in this order: all of them, or none."""
        with trying("save events"):
            found = [checked(event, Event) for event in batch_of(events, "events")]
            with conflicts_as(event_of):
                made = self._kept.write([self._enters(event) for event in found])
            return [_entered(event, one) for event, one in zip(found, made, strict=True) if isinstance(one, Entered)]

    def get_events(self, session_id: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[Event]:
        """Return the events of a session, in their order, a page at a time."""
        with trying("load the events of session", session_id):
            name = key(session_id, "session_id")
            own, of = {"session_id": self._kept.stored_key(SESSIONS, name).name}, ("session", name)
            return self._page(own, _ROWS.c.seq, of, limit=limit, cursor=cursor, newest_first=False)

    def get_events_by_type(self, event_type: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[Event]:
        """Return the events of a type, newest first, a page at a time."""
        with trying("load the events of type", event_type):
            own, of = {"event_type": short(event_type, "event_type")}, ("type", event_type)
            return self._page(own, _ROWS.c.id, of, limit=limit, cursor=cursor)

    def get_events_by_commit(self, git_commit: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[Event]:
        """Return the events that are about a commit, newest first, a page at a time."""
        with trying("load the events of commit", git_commit):
            own, of = {"git_commit": key(git_commit, "git_commit")}, ("commit", git_commit)
            return self._page(own, _ROWS.c.id, of, limit=limit, cursor=cursor)

    def search_events(self, query: str, *, session_id: str | None = None, limit: int = PAGE) -> Matches[Event]:
        """Return the events that have the words of a query, the best first: those that are committed."""
        with trying("search events"):
            where = []
            if session_id is not None:
                session = self._kept.stored_key(SESSIONS, key(session_id, "session_id"))
                where = [_ROWS.c.session_id == session.name]
            found = search(self._kept, EVENTS, query, limit=limit, where=where)
            return Matches((event_of(row) for row in found.rows), newest_only=found.newest_only)

    def _enters(self, event: Event) -> Enters:
        body = self._sized({"content": event.content, "metadata": self._json(event.metadata)})
        columns = {**taken(event, *EVENTS.columns), **body}
        columns["actor_type"] = str(columns["actor_type"])
        return self._kept.entry(EVENTS, event.event_id, columns, stream=event.session_id)

    def _page(
        self,
        where: Mapping[str, object],
        order: ColumnElement[int],
        of: tuple[str, str],
        *,
        limit: int,
        cursor: str | None,
        newest_first: bool = True,
    ) -> Listed[Event]:
        wanted = [_ROWS.c[name] == value for name, value in where.items()]
        own = (*self._kept.rows(_ROWS), *wanted)
        page = self._kept.page(
            lambda now: _ROWS.select().where(*own, *reading.present(_ROWS, now)),
            (order,),
            of=(EVENTS.name, *of),
            limit=limit,
            cursor=cursor,
            newest_first=newest_first,
            listing=Listing(EVENTS, lambda row: where.items() <= vars(row).items()),
        )
        return Listed((event_of(row) for row in page.rows), page.next_cursor)


def event_of(row: Row[Any]) -> Event:
    """Return the event of a row."""
    own = taken(row, "event_id", "session_id", "seq", *EVENTS.columns, "content", "created_at")
    return Event(**own, metadata=metadata_of(row.metadata), origin=origin_of(row))


def _entered(event: Event, entered: Entered) -> Event:
    return event.model_copy(update={"seq": entered.seq, "created_at": entered.created_at, "origin": None})
