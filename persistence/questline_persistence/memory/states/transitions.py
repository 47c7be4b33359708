"""The history of agents: from which state they came to which, and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from questline_persistence.arguments import key
from questline_persistence.kinds import AGENT_STATES, TRANSITIONS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Listed, StateTransition, origin_of
from questline_persistence.memory.states.part import Part
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflicts_as
from questline_persistence.schema import table_of
from questline_persistence.writes import Enters

_ROWS = table_of(TRANSITIONS)


class Transitions(Part):
    """The transitions of agents, each numbered in its agent's history."""

    def record_state_transition(
        self, agent_id: str, old: str | None, new: str, reason: str | None = None, *, transition_id: str | None = None
    ) -> StateTransition:
        """Add a change to the history of an agent."""
        with trying("record a state transition of agent", agent_id):
            named: dict[str, Any] = {} if transition_id is None else {"transition_id": transition_id}
            change = StateTransition(agent_id=agent_id, state_before=old, state_after=new, reason=reason, **named)
            self._sized(taken(change, *TRANSITIONS.body))
            with conflicts_as(_transition):
                entered = self._kept.enter(transition_write(self._kept, change))
            return change.model_copy(update={"seq": entered.seq, "created_at": entered.created_at})

    def get_state_history(
        self, agent_id: str, limit: int = PAGE, *, cursor: str | None = None
    ) -> Listed[StateTransition]:
        """Return the transitions of an agent, newest first, a page at a time."""
        with trying("load the history of agent", agent_id):
            name = key(agent_id, "agent_id")
            stored = self._kept.stored_key(AGENT_STATES, name).name
            own = (*self._kept.rows(_ROWS), _ROWS.c.agent_id == stored)
            page = self._kept.page(
                lambda now: _ROWS.select().where(*own, *reading.present(_ROWS, now)),
                (_ROWS.c.seq,),
                of=(TRANSITIONS.name, name),
                limit=limit,
                cursor=cursor,
                listing=Listing(TRANSITIONS, lambda row: row.agent_id == stored),
            )
            return Listed((_transition(row) for row in page.rows), page.next_cursor)


def transition_write(kept: Kept, change: StateTransition) -> Enters:
    """Return the write that adds a change to the history of its agent."""
    columns = taken(change, *TRANSITIONS.body)
    return kept.entry(TRANSITIONS, change.transition_id, columns, stream=change.agent_id)


def _transition(row: Row[Any]) -> StateTransition:
    own = taken(row, "transition_id", "agent_id", "seq", *TRANSITIONS.body, "created_at")
    return StateTransition(**own, origin=origin_of(row))
