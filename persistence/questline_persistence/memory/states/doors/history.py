"""The history, the snapshots and the comparisons of a state store, awaited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from questline_persistence.arguments import Length
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.merging import MergeResult, StateChange
from questline_persistence.memory.models import AgentState, Listed, StateSnapshot, StateTransition
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.snapshots import MAX_CLEANED
from questline_persistence.memory.states.states import States


class HistoryMethods(StatesDoor):
    """The methods that are about what agents were before."""

    async def record_state_transition(
        self, agent_id: str, old: str | None, new: str, reason: str | None = None, *, transition_id: str | None = None
    ) -> StateTransition:
        """Add a change to the history of an agent, which need not have been saved.

        Parameters:
          agent_id: the agent.
          old: the state that it was in; None if it had none.
          new: the state that it is in now.
          reason: why.
          transition_id: an id, by which it is there once, however often you record it; None: a new one.

        Returns:
          The transition with its number.

        Raises:
          Conflict: there is one with this id that says something else.
          PayloadError: a value is no text, or too large.
        """
        return await self._do(States.record_state_transition, agent_id, old, new, reason, transition_id=transition_id)

    async def get_state_history(
        self, agent_id: str, limit: int = PAGE, *, cursor: str | None = None
    ) -> Listed[StateTransition]:
        """Return the transitions of an agent, newest first, a page at a time.

        Parameters:
          agent_id: the agent.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_state_history, agent_id, limit, cursor=cursor)

    async def create_snapshot(
        self, agent_id: str, description: str | None = None, *, expires_in: Length | None = None
    ) -> str:
        """Name the present version of an agent's state, so as to come back to it.

        Parameters:
          agent_id: the agent.
          description: what the snapshot is for.
          expires_in: after which time nobody sees it any more, in seconds or as a timedelta; None: it stays.

        Returns:
          The snapshot's id.

        Raises:
          NotFound: there is no such agent.
          PayloadError: the key is none, the description too large, or the expiry beyond the year 9999.
        """
        return await self._do(States.create_snapshot, agent_id, description, expires_in=expires_in)

    async def list_snapshots(
        self, agent_id: str, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[StateSnapshot]:
        """Return the snapshots of an agent, newest first, a page at a time.

        Parameters:
          agent_id: the agent.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.list_snapshots, agent_id, limit=limit, cursor=cursor)

    async def get_snapshot(self, snapshot_id: str) -> StateSnapshot | None:
        """Return a snapshot.

        Parameters:
          snapshot_id: its id.

        Returns:
          The snapshot with its state; None where there is none, or where it has expired.

        Raises:
          PayloadError: the id is none.
        """
        return await self._do(States.get_snapshot, snapshot_id)

    async def restore_snapshot(self, snapshot_id: str, *, expected_version: int | None = None) -> AgentState:
        """Make the state that a snapshot names the present one of its agent.

        Parameters:
          snapshot_id: the snapshot.
          expected_version: the version that the agent is at now; None restores in any case.

        Returns:
          The state, which is a new version.

        Raises:
          NotFound: there is no such snapshot, or it has expired.
          Conflict: the agent is at another version.
          PayloadError: the id is none.
        """
        return await self._do(States.restore_snapshot, snapshot_id, expected_version=expected_version)

    async def remove_expired_snapshots(self, limit: int = MAX_CLEANED) -> int:
        """Free the space of snapshots that have expired; they are no longer there anyway.

        Parameters:
          limit: at most this many, and never more than 1,000.

        Returns:
          How many it were.

        Raises:
          PayloadError: the limit is no number from 1.
        """
        return await self._do(States.remove_expired_snapshots, limit)

    async def export_agent(self, agent_id: str) -> dict[str, Any]:
        """Return all that is kept of an agent as plain JSON data: versions, history, snapshots, sessions and events.

        The events are those of the sessions that `start_session` has started for the agent.

        Parameters:
          agent_id: the agent.

        Returns:
          The data, which `import_agent` takes.

        Raises:
          NotFound: there is no such agent.
          PayloadError: the key is none, or there are more than 10,000 of a kind.
        """
        return await self._do(States.export_agent, agent_id)

    async def import_agent(self, data: Mapping[str, Any]) -> AgentState | None:
        """Keep an agent as it was exported, from here or elsewhere.

        Its versions are counted anew from 1, and all of it is of the moment of the import.

        Parameters:
          data: what `export_agent` has returned.

        Returns:
          The agent's state; None if it was deleted.

        Raises:
          Conflict: an agent of this name was saved here before, or there is another entry of an id; no version is kept.
          PayloadError: the data is no export.

        Example:
          data = await store.export_agent("planner")
          async with StateStore("backup.db") as backup:
              await backup.import_agent(data)
        """
        return await self._do(States.import_agent, data)

    async def diff(self, agent_id: str, a: int | str | AgentState, b: int | str | AgentState) -> list[StateChange]:
        """Return the changes that lead from one state of an agent to another.

        What is compared is `state_data`: path by path where it is JSON, as a whole where it is other text.

        Parameters:
          agent_id: the agent.
          a: the number of a version, an `AgentState`, or its `state_data`.
          b: likewise.

        Returns:
          The changes, each with its path, what was there and what is there now.

        Raises:
          NotFound: there is no such version.
          PayloadError: the key or a state is none.
        """
        return await self._do(States.diff, agent_id, a, b)

    async def merge(
        self,
        agent_id: str,
        base: int | str | AgentState,
        ours: int | str | AgentState,
        theirs: int | str | AgentState,
    ) -> MergeResult:
        """Return the state that has the changes of two which were made from one. Nothing is saved.

        Parameters:
          agent_id: the agent.
          base: what both were made from: the number of a version, an `AgentState`, or its `state_data`.
          ours: one state made from it.
          theirs: the other one.

        Returns:
          The merged state, and the conflicts: what both have changed, and not alike.

        Raises:
          NotFound: there is no such version.
          PayloadError: the key or a state is none.

        Example:
          result = await store.merge("planner", '{"a": 1}', '{"a": 2}', '{"a": 1, "b": 3}')
          assert result.merged == '{"a":2,"b":3}'
        """
        return await self._do(States.merge, agent_id, base, ours, theirs)
