"""Agents: what they are and know, version by version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select

from questline_persistence.arguments import Moment, key, short, whole
from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.ids import new_claim_id
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory import reading
from questline_persistence.memory.batches import batch_of
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import AgentState, Listed, Matches, StateTransition, checked
from questline_persistence.memory.searching import search
from questline_persistence.memory.states.part import Part, metadata_of
from questline_persistence.memory.states.rows import saved_as, taken, version_fields
from questline_persistence.memory.states.transitions import transition_write
from questline_persistence.memory.trying import TRIES, trying, until_won
from questline_persistence.memory.versions import conflict, version_of
from questline_persistence.schema import tables_of
from questline_persistence.writes import Moved, Op, Saved, Saves

#: What a transition says of an agent that is deleted.
DELETED = "deleted"

_HEADS = tables_of(AGENT_STATES).heads


class Agents(Part):
    """The states of agents: each save is a version, and every version can be loaded."""

    def save_agent_state(self, state: AgentState, *, expected_version: int | None = None) -> AgentState:
        """Save the state of an agent as its next version."""
        found = checked(state, AgentState)
        with trying("save agent state", found.agent_id):
            write = self._saves(found, version_of(expected_version))
            return saved_as(found, self._save(write, lambda: self._load(found.agent_id)))

    def save_agent_states(self, states: Iterable[AgentState], *, guarded: bool = False) -> list[AgentState]:
        """Save the states of several agents in one transaction: all of them, or none."""
        with trying("save agent states"):
            found = [checked(state, AgentState) for state in batch_of(states, "states")]
            writes = [self._saves(state, (state.version or 0) if guarded else None) for state in found]
            try:
                made = self._kept.write(writes)
            except Moved as moved:
                current = self._load(moved.save.key.name)
                error = conflict(moved.save.expected, current)
                error.preface(f"agent {moved.save.key.name}")
                raise error from None
            return [
                saved_as(state, saved) for state, saved in zip(found, made, strict=True) if isinstance(saved, Saved)
            ]

    def load_agent_state(
        self, agent_id: str, *, version: int | None = None, as_of: Moment | None = None
    ) -> AgentState | None:
        """Return the state of an agent, or an older one; None where there is, or was, none."""
        with trying("load agent state", agent_id):
            return self._load(key(agent_id, "agent_id"), version=version, as_of=as_of)

    def list_agents(
        self,
        status: str | None = None,
        *,
        include_deleted: bool = False,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> Listed[AgentState]:
        """Return the agents, newest first, a page at a time."""
        with trying("list agents"):
            wanted = short(status, "status")
            own = self._kept.rows(_HEADS)
            if wanted is not None:
                own.append(_HEADS.c.status == wanted)

            def query(now: float) -> Select[Any]:
                if include_deleted:
                    return reading.of_last(AGENT_STATES).where(*own)
                return reading.of_present(AGENT_STATES).where(*own, *reading.present(_HEADS, now))

            of = (AGENT_STATES.name, wanted, include_deleted)
            order = (_HEADS.c.created_at, _HEADS.c.id)
            listing = Listing(AGENT_STATES, lambda row: wanted in {None, row.status}, with_deleted=include_deleted)
            page = self._kept.page(query, order, of=of, limit=limit, cursor=cursor, listing=listing)
            return Listed((agent_state(row) for row in page.rows), page.next_cursor)

    def search_agents(self, query: str, *, limit: int = PAGE) -> Matches[AgentState]:
        """Return the agents that have the words of a query, the best first: those that are committed."""
        with trying("search agents"):
            found = search(self._kept, AGENT_STATES, query, limit=limit)
            return Matches((agent_state(row) for row in found.rows), newest_only=found.newest_only)

    def update(
        self, agent_id: str, function: Callable[[AgentState | None], AgentState], *, tries: int = TRIES
    ) -> AgentState:
        """Save what a function makes of the state of an agent, again from the start after a conflict."""
        with trying("update agent state", agent_id):
            name, most = key(agent_id, "agent_id"), whole(tries, "tries", least=1)

            def attempt() -> AgentState:
                current, version = self._present(name)
                made = checked(function(current), AgentState)
                if made.agent_id != name:
                    raise PayloadError(f"the function has returned the state of another agent, {made.agent_id}")
                return saved_as(made, self._save(self._saves(made, version), lambda: self._load(name)))

            return self._kept.updating(attempt, tries=most)

    def update_agent_status(
        self, agent_id: str, status: str, *, reason: str | None = None, expected_version: int | None = None
    ) -> AgentState:
        """Set what an agent is doing, as a version, and note the change in its history."""
        with trying("update the status of agent", agent_id):
            name = key(agent_id, "agent_id")
            StateTransition(agent_id=name, state_after=AgentState(agent_id=name, status=status).status, reason=reason)

            def attempt() -> AgentState:
                current = self._known(name, expected_version)
                write = Saves(AGENT_STATES, self._kept.key(name), Op.STATUS, {"status": status})
                return self._changed(current, write, current.model_copy(update={"status": status}), reason)

            return until_won(attempt, tries=_tries(expected_version))

    def delete_agent(self, agent_id: str, *, reason: str | None = None, expected_version: int | None = None) -> None:
        """Delete an agent, as a version."""
        with trying("delete agent", agent_id):
            name = key(agent_id, "agent_id")

            def attempt() -> None:
                current = self._known(name, expected_version)
                write = Saves(AGENT_STATES, self._kept.key(name), Op.DELETE)
                self._changed(current, write, current.model_copy(update={"status": DELETED}), reason)

            until_won(attempt, tries=_tries(expected_version))

    def restore_agent_state(
        self, agent_id: str, version: int, *, reason: str | None = None, expected_version: int | None = None
    ) -> AgentState:
        """Make an older version of an agent's state the present one, as a new version."""
        with trying("restore agent state", agent_id):
            name = key(agent_id, "agent_id")
            row = self._kept.load(AGENT_STATES, name, version=version)
            if row is None:
                raise NotFound(f"there is no version {version}")
            return self._restored(name, row, reason or f"restored from version {version}", expected_version)

    def purge_agent(self, agent_id: str) -> None:
        """Remove an agent for good: its versions, history and snapshots."""
        with trying("purge agent", agent_id):
            if not self._kept.purge(AGENT_STATES, key(agent_id, "agent_id")):
                raise NotFound("there is nothing of it", hint="look: list_agents(include_deleted=True)")

    def _saves(self, state: AgentState, expected: int | None) -> Saves:
        body: dict[str, str | None] = {"state_data": state.state_data, "metadata": self._json(state.metadata)}
        columns = taken(state, "name", "status")
        return Saves(
            AGENT_STATES, self._kept.key(state.agent_id), columns=columns, body=self._sized(body), expected=expected
        )

    def _load(self, name: str, **chosen: Any) -> AgentState | None:
        row = self._kept.load(AGENT_STATES, name, **chosen)
        return None if row is None else agent_state(row)

    def _present(self, name: str) -> tuple[AgentState | None, int | None]:
        """Return the present state of an agent, and the version that its head has at that moment, whatever is there."""
        row, version = self._kept.look(AGENT_STATES, name)
        return None if row is None else agent_state(row), version

    def _known(self, name: str, expected: int | None) -> AgentState:
        """Return the present state of an agent, which is to be at the version expected."""
        current = self._load(name)
        if current is None:
            raise NotFound("there is none", hint="look: list_agents()")
        if version_of(expected) not in {None, current.version}:
            raise conflict(expected, current)
        return current

    def _restored(self, name: str, row: Row[Any], reason: str, expected: int | None) -> AgentState:
        """Make what an older version says the present state of its agent."""
        shown = agent_state(row)
        write = Saves(
            *(AGENT_STATES, self._kept.key(name), Op.RESTORE, taken(shown, "name", "status")),
            body=taken(row, *AGENT_STATES.body),
            points_at=row.body_version,
        )

        def attempt() -> AgentState:
            current, version = self._present(name)
            if version_of(expected) not in {None, version}:
                raise conflict(expected, current)
            now = current or AgentState(agent_id=name, status=DELETED, version=version)
            return self._changed(now, write, shown, reason)

        return until_won(attempt, tries=_tries(expected))

    def _changed(self, current: AgentState, write: Saves, after: AgentState, reason: str | None) -> AgentState:
        """Save a version behind the present one, together with the transition from one to the other."""
        change = StateTransition(
            agent_id=current.agent_id, state_before=current.status, state_after=after.status, reason=reason
        )
        guarded = replace(write, expected=current.version, write_id=new_claim_id())
        try:
            saved = self._kept.write([guarded, transition_write(self._kept, change)])[0]
        except Moved:
            raise conflict(current.version, self._load(current.agent_id)) from None
        assert isinstance(saved, Saved)  # noqa: S101  (the first write is a save)
        return saved_as(after, saved)


def _tries(expected: int | None) -> int:
    """Return how often to try: once, where the caller has said which version it is about."""
    return TRIES if expected is None else 1


def agent_state(row: Row[Any]) -> AgentState:
    """Return the state that a row says, of a head with its present version or of an older version."""
    own = taken(row, "agent_id", "name", "status", "state_data")
    return AgentState(**own, metadata=metadata_of(row.metadata), **version_fields(row))
