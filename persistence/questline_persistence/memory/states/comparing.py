"""States of agents, compared and merged."""

from __future__ import annotations

from questline_persistence.arguments import key
from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.memory.merging import MergeResult, StateChange, difference, merge
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states.agents import Agents
from questline_persistence.memory.trying import trying


class Comparing(Agents):
    """What has changed between states of an agent, and what becomes of two that were made from one."""

    def diff(self, agent_id: str, a: int | str | AgentState, b: int | str | AgentState) -> list[StateChange]:
        """Return the changes that lead from one state of an agent to another."""
        with trying("compare states of agent", agent_id):
            return difference(*(self._data(agent_id, state) for state in (a, b)))

    def merge(
        self,
        agent_id: str,
        base: int | str | AgentState,
        ours: int | str | AgentState,
        theirs: int | str | AgentState,
    ) -> MergeResult:
        """Return the state that has the changes of two which were made from one; nothing is saved."""
        with trying("merge states of agent", agent_id):
            return merge(*(self._data(agent_id, state) for state in (base, ours, theirs)))

    def _data(self, agent_id: str, state: object) -> str:
        """Return what an agent knows: at a version, in a state, or as it is told."""
        name = key(agent_id, "agent_id")
        if isinstance(state, AgentState):
            return state.state_data
        if isinstance(state, str):
            return state
        if not isinstance(state, int) or isinstance(state, bool):
            message = f"a state is the number of a version, an AgentState or its state_data, not {type(state).__name__}"
            raise PayloadError(message)
        found = self._load(name, version=state)
        if found is None:
            raise NotFound(f"there is no version {state}")
        return found.state_data
