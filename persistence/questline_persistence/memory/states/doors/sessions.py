"""The sessions of a state store, awaited."""

from __future__ import annotations

from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Listed, Session
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.sessions import ENDED
from questline_persistence.memory.states.states import States


class SessionMethods(StatesDoor):
    """The methods that are about sessions."""

    async def start_session(
        self,
        agent_id: str,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        mission: str | None = None,
    ) -> Session:
        """Start a session of an agent. To start the same one again is harmless.

        Parameters:
          agent_id: the agent.
          session_id: its id; None: a new one.
          user_id: the user that it is for.
          mission: what it is to achieve.

        Returns:
          The session, which is "active".

        Raises:
          Conflict: another agent has started a session of this id; `current` is that session.
          PayloadError: a value is none, or too large.
        """
        return await self._do(States.start_session, agent_id, session_id=session_id, user_id=user_id, mission=mission)

    async def end_session(self, session_id: str, *, status: str = ENDED) -> Session:
        """End a session. One that has ended already stays as it is.

        Parameters:
          session_id: the session.
          status: how it has ended.

        Returns:
          The session with the time of its end.

        Raises:
          NotFound: no session of this id was started.
          PayloadError: a value is none.
        """
        return await self._do(States.end_session, session_id, status=status)

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session.

        Parameters:
          session_id: the session.

        Returns:
          The session; None where none of this id was started.

        Raises:
          PayloadError: the key is none.
        """
        return await self._do(States.get_session, session_id)

    async def get_sessions(
        self, agent_id: str | None = None, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[Session]:
        """Return the sessions that were started, newest first, a page at a time.

        Parameters:
          agent_id: only those of this agent.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_sessions, agent_id, limit=limit, cursor=cursor)
