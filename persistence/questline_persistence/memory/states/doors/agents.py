"""The agents of a state store, awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from questline_persistence.arguments import Moment
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import AgentState, Listed, Matches
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.states import States
from questline_persistence.memory.trying import TRIES


class AgentMethods(StatesDoor):
    """The methods that are about agents."""

    async def save_agent_state(self, state: AgentState, *, expected_version: int | None = None) -> AgentState:
        """Save the state of an agent as its next version.

        Nothing is lost by a save: the state before is the version before.

        Parameters:
          state: the state. Its `version` and times are not looked at.
          expected_version: the version that you have loaded, 0 for an agent that was never saved; the save counts only
            if nobody else has saved since. None saves in any case.

        Returns:
          The state as it is saved, with its version and times.

        Raises:
          Conflict: the agent is at another version; `current` is its state, None where there is none.
          PayloadError: it is no `AgentState`, or too large.

        Example:
          state = await store.load_agent_state("planner")
          await store.save_agent_state(state.model_copy(update={"status": "busy"}), expected_version=state.version)
        """
        return await self._do(States.save_agent_state, state, expected_version=expected_version)

    async def save_agent_states(self, states: Iterable[AgentState], *, guarded: bool = False) -> list[AgentState]:
        """Save the states of several agents in one transaction: all of them, or none.

        Parameters:
          states: the states, at most 1,000.
          guarded: whether each counts only if its agent is at the `version` that it says, None being 0: never saved.

        Returns:
          The states as they are saved, in the order given.

        Raises:
          Conflict: an agent is at another version; nothing is saved.
          PayloadError: one is no `AgentState`, or too large, or there are too many.
        """
        return await self._do(States.save_agent_states, states, guarded=guarded)

    async def load_agent_state(
        self, agent_id: str, *, version: int | None = None, as_of: Moment | None = None
    ) -> AgentState | None:
        """Return the state of an agent, or an older one.

        Parameters:
          agent_id: the agent.
          version: the number of an older version.
          as_of: a moment: the version that was the present one then. Epoch seconds, a datetime or ISO 8601 text.

        Returns:
          The state; None where there is, or was, none.

        Raises:
          PayloadError: the key is none, or both a version and a moment are given.
        """
        return await self._do(States.load_agent_state, agent_id, version=version, as_of=as_of)

    async def list_agents(
        self,
        status: str | None = None,
        *,
        include_deleted: bool = False,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> Listed[AgentState]:
        """Return the agents, newest first, a page at a time.

        Parameters:
          status: only those that are doing this.
          include_deleted: also those that were deleted, as they were before.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well; None where nothing comes behind it.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.list_agents, status, include_deleted=include_deleted, limit=limit, cursor=cursor)

    async def search_agents(self, query: str, *, limit: int = PAGE) -> Matches[AgentState]:
        """Return the agents whose id, name, state or metadata has the words of a query, the best first.

        Parameters:
          query: words, all of which must be there; `"a phrase"`, `pre*`, `-without`.
          limit: at most this many, 1 to 1,000.

        Returns:
          A list that has `newest_only` as well: whether there were so many matches that only the newest are ranked.

        Raises:
          PayloadError: the query is no text, or a limit out of range.
        """
        return await self._do(States.search_agents, query, limit=limit)

    async def update(
        self, agent_id: str, function: Callable[[AgentState | None], AgentState], *, tries: int = TRIES
    ) -> AgentState:
        """Save what a function makes of the state of an agent; again from the start if somebody else was quicker.

        Parameters:
          agent_id: the agent.
          function: is given the present state, None where there is none, and returns the new one. It is a plain
            function, called on a thread outside of any transaction, and once for each try.
          tries: how often to try.

        Returns:
          The state as it is saved.

        Raises:
          Conflict: somebody else was quicker each time.
          PayloadError: the function returns no `AgentState` of this agent, or one that is too large.

        Example:
          await store.update("planner", lambda state: state.model_copy(update={"status": "busy"}))
        """
        return await self._do(States.update, agent_id, function, tries=tries)

    async def update_agent_status(
        self, agent_id: str, status: str, *, reason: str | None = None, expected_version: int | None = None
    ) -> AgentState:
        """Set what an agent is doing, and note the change in its history.

        Parameters:
          agent_id: the agent.
          status: what it is doing now.
          reason: why.
          expected_version: the version that you have loaded; None sets it in any case.

        Returns:
          The agent's state, which is a new version.

        Raises:
          NotFound: there is no such agent.
          Conflict: the agent is at another version.
          PayloadError: the key or the status is none.
        """
        return await self._do(
            States.update_agent_status, agent_id, status, reason=reason, expected_version=expected_version
        )

    async def delete_agent(
        self, agent_id: str, *, reason: str | None = None, expected_version: int | None = None
    ) -> None:
        """Delete an agent; its versions and its history stay, and saving it again brings it back.

        Parameters:
          agent_id: the agent.
          reason: why, for its history.
          expected_version: the version that you have loaded; None deletes it in any case.

        Raises:
          NotFound: there is no such agent, or it was deleted already.
          Conflict: the agent is at another version.
          PayloadError: the key is none.
        """
        await self._do(States.delete_agent, agent_id, reason=reason, expected_version=expected_version)

    async def restore_agent_state(
        self, agent_id: str, version: int, *, reason: str | None = None, expected_version: int | None = None
    ) -> AgentState:
        """Make an older version of an agent's state the present one; also of one that was deleted.

        Parameters:
          agent_id: the agent.
          version: the number of the older version.
          reason: why, for its history.
          expected_version: the version that the agent is at now; None restores in any case.

        Returns:
          The state, which is a new version.

        Raises:
          NotFound: there is no such version.
          Conflict: the agent is at another version.
          PayloadError: the key or the version is none.
        """
        return await self._do(
            States.restore_agent_state, agent_id, version, reason=reason, expected_version=expected_version
        )

    async def purge_agent(self, agent_id: str) -> None:
        """Remove an agent for good: its versions, its history and its snapshots.

        Its count of versions goes on, should it ever be saved again.

        Parameters:
          agent_id: the agent.

        Raises:
          NotFound: there is nothing of it.
          PayloadError: the key is none.
        """
        await self._do(States.purge_agent, agent_id)
