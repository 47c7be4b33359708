"""The events of a state store, awaited."""

from __future__ import annotations

from collections.abc import Iterable

from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Event, Listed, Matches
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.states import States


class EventMethods(StatesDoor):
    """The methods that are about events."""

    async def save_event(self, event: Event) -> Event:
        """Add an event to its session, which need not have been started.

        Whoever else adds events to the session, there is no conflict, and each gets a number of its own.

        Parameters:
          event: the event. Saved again under its id, it is there once.

        Returns:
          The event with its number in the session.

        Raises:
          Conflict: there is an event of this id that says something else.
          PayloadError: it is no `Event`, or too large.
        """
        return await self._do(States.save_event, event)

    async def save_events(self, events: Iterable[Event]) -> list[Event]:
        """Add several events in one transaction: all of them, or none.

        Parameters:
          events: the events, at most 1,000. Those of one session are numbered in the order given.

        Returns:
          The events with their numbers, in the order given.

        Raises:
          Conflict: there is an event of one's id that says something else; nothing is added.
          PayloadError: one is no `Event`, or too large, or there are too many.
        """
        return await self._do(States.save_events, events)

    async def get_events(self, session_id: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[Event]:
        """Return the events of a session in their order, a page at a time.

        Parameters:
          session_id: the session.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_events, session_id, limit=limit, cursor=cursor)

    async def get_events_by_type(
        self, event_type: str, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[Event]:
        """Return the events of a type, newest first, a page at a time.

        Parameters:
          event_type: the type.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the type is no text, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_events_by_type, event_type, limit=limit, cursor=cursor)

    async def get_events_by_commit(
        self, git_commit: str, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[Event]:
        """Return the events that are about a commit, newest first, a page at a time.

        Parameters:
          git_commit: the commit, as the events say it.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the commit is no text, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_events_by_commit, git_commit, limit=limit, cursor=cursor)

    async def search_events(self, query: str, *, session_id: str | None = None, limit: int = PAGE) -> Matches[Event]:
        """Return the events whose type, content or metadata has the words of a query, the best first.

        Parameters:
          query: words, all of which must be there; `"a phrase"`, `pre*`, `-without`.
          session_id: only those of this session.
          limit: at most this many, 1 to 1,000.

        Returns:
          A list that has `newest_only` as well: whether there were so many matches that only the newest are ranked.

        Raises:
          PayloadError: the query is no text, or a limit out of range.
        """
        return await self._do(States.search_events, query, session_id=session_id, limit=limit)
