"""Sessions: stretches of an agent's work, which events belong to.

A session shares its row with the states and the history that are saved under its id elsewhere. Here it counts as one
once it was started.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from questline_persistence.arguments import key
from questline_persistence.clock import rfc3339
from questline_persistence.errors import Conflict, NotFound
from questline_persistence.kinds import KEY, SESSIONS
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Listed, Session
from questline_persistence.memory.states.part import Part
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.trying import trying
from questline_persistence.schema import first, is_key, made_at, moved_on, opened, sealed, tables_of

#: What a session is while it goes on, and what it is afterwards unless told otherwise.
ACTIVE, ENDED = "active", "ended"

_HEADS = tables_of(SESSIONS).heads


class Sessions(Part):
    """The sessions of agents: started once, ended once."""

    def start_session(
        self,
        agent_id: str,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        mission: str | None = None,
    ) -> Session:
        """Start a session of an agent; one that this agent has started already is that one."""
        with trying("start a session of agent", agent_id):
            named: dict[str, Any] = {} if session_id is None else {"session_id": session_id}
            made = Session(agent_id=key(agent_id, "agent_id"), user_id=user_id, mission=mission, status=ACTIVE, **named)
            self._sized({"mission": made.mission})

            try:
                found = self._begun(made)
            except IntegrityError:  # another has made its row meanwhile
                found = self._begun(made)
            if found.agent_id != made.agent_id:
                message = f"session {made.session_id} was started by another agent, {found.agent_id}"
                raise Conflict(message, current=found, hint="give it another id, or none")
            return found

    def end_session(self, session_id: str, *, status: str = ENDED) -> Session:
        """End a session; one that has ended stays as it is."""
        with trying("end session", session_id):
            made = Session(session_id=session_id, status=status)

            def work(connection: Connection, now: float) -> Row[Any] | None:
                own = (*self._is(made.session_id), _HEADS.c.started_at.is_not(None), _HEADS.c.ended_at.is_(None))
                ended = {"status": made.status, "ended_at": rfc3339(now), **moved_on(_HEADS, now)}
                row = connection.execute(update(_HEADS).where(*own).values(ended).returning(_HEADS)).first()
                return opened(connection, _HEADS, row) if row else self._started(connection, made.session_id)

            row = self._kept.change(work)
            if row is None:
                raise NotFound("there is none", hint="look: get_sessions()")
            return _session(row)

    def get_session(self, session_id: str) -> Session | None:
        """Return a session; None where none was started."""
        with trying("load session", session_id):
            name = key(session_id, "session_id")
            row = self._kept.read(lambda connection, _: self._started(connection, name))
            return None if row is None else _session(row)

    def get_sessions(
        self, agent_id: str | None = None, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[Session]:
        """Return the sessions that were started, newest first, a page at a time."""
        with trying("list sessions"):
            own = [*self._kept.rows(_HEADS), _HEADS.c.started_at.is_not(None)]
            if agent_id is not None:
                own.append(_HEADS.c.agent_id == key(agent_id, "agent_id"))
            page = self._kept.page(
                lambda _: select(_HEADS).where(*own),
                (_HEADS.c.created_at, _HEADS.c.id),
                of=(SESSIONS.name, agent_id),
                limit=limit,
                cursor=cursor,
            )
            return Listed((_session(row) for row in page.rows), page.next_cursor)

    def _begun(self, made: Session) -> Session:
        return _session(self._kept.change(lambda connection, now: self._start(connection, made, now)))

    def _start(self, connection: Connection, made: Session, now: float) -> Row[Any]:
        """Return the row of a session that is started by now: before, now, or with its row."""
        fields = {**taken(made, "agent_id", "user_id", "mission", "status"), "started_at": rfc3339(now)}
        given = {name: value for name, value in fields.items() if value is not None}
        own = (*self._is(made.session_id), _HEADS.c.started_at.is_(None))
        key_of = dict(zip((*KEY, SESSIONS.key), self._kept.stored_key(SESSIONS, made.session_id), strict=True))
        moved = update(_HEADS).where(*own)
        moved = moved.values({**sealed(connection, _HEADS, given, **key_of), **moved_on(_HEADS, now)})
        row = connection.execute(moved.returning(_HEADS)).first() or self._started(connection, made.session_id)
        if row is None:
            begun = insert(_HEADS).values({**sealed(connection, _HEADS, {**key_of, **fields}), **made_at(now)})
            row = connection.execute(begun.returning(_HEADS)).one()
        return opened(connection, _HEADS, row)

    def _is(self, name: str) -> list[Any]:
        return is_key(_HEADS, SESSIONS, self._kept.stored_key(SESSIONS, name))

    def _started(self, connection: Connection, name: str) -> Row[Any] | None:
        return first(connection, select(_HEADS).where(*self._is(name), _HEADS.c.started_at.is_not(None)))


def _session(row: Row[Any]) -> Session:
    return Session(**taken(row, *Session.model_fields))
