"""What a fork has made of its own copies of shared agents, taken over into these: three-way, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select

from questline_persistence.arguments import key
from questline_persistence.errors import Conflict, NotFound, nearest
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.merging import ABSENT, MergeConflict, StateChange, difference, merge
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states.agents import Agents
from questline_persistence.memory.trying import trying, until_won
from questline_persistence.schema import quests, tables_of, within
from questline_persistence.writes import Moved, Op, Saved, Saves, own_name

#: What to do for who looks for a copy.
_HINT = "a fork has a copy of a shared agent that was written behind its beginning; look: questline state list"
_HEADS, _VERSIONS = tables_of(AGENT_STATES)


@dataclass(frozen=True, slots=True)
class Adopted:
    """What becomes of a shared agent when a fork's own copy of it is taken over.

    Parameters:
      agent_id: the shared agent.
      copied_as: the fork's own copy.
      version: the version that was made; None where none was, or nothing has changed.
      changes: what changes for the shared agent.
      conflicts: what both have changed, and not alike; then nothing is written.
    """

    agent_id: str
    copied_as: str
    version: int | None
    changes: tuple[StateChange, ...]
    conflicts: tuple[MergeConflict, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "agent_id": self.agent_id,
            "copied_as": self.copied_as,
            "version": self.version,
            "changes": [change.to_json() for change in self.changes],
            "conflicts": [conflict.to_json() for conflict in self.conflicts],
        }


class Adopting(Agents):
    """Takes over what forks have made of shared agents."""

    def adopt(self, fork: str, agent_id: str | None = None, *, dry_run: bool = False) -> list[Adopted]:
        """Merge a fork's own copies of shared agents into these; one conflict, and nothing is written.

        Both are compared with what the fork began with. The fork's copies stay as they are.

        Parameters:
          fork: the fork's quest id.
          agent_id: the shared agent; None means all of which the fork has a copy.
          dry_run: change nothing, only say what would be.

        Returns:
          What becomes of each agent, by name.

        Raises:
          NotFound: the quest has no copy of that agent, or of any.
          Conflict: an agent has been saved meanwhile, again and again.
        """
        with trying("adopt what was made by quest", fork):
            copies = self._copies(key(fork, "fork"))
            if agent_id is not None and agent_id not in copies:
                near = nearest(agent_id, copies)
                hint = f"did you mean {near!r}?" if near else _HINT
                raise NotFound(f"it has no copy of the shared agent {agent_id}", hint=hint)
            if not copies:
                raise NotFound("it has no copy of a shared agent", hint=_HINT)
            chosen = copies if agent_id is None else {agent_id: copies[agent_id]}
            return until_won(lambda: self._adopt(fork, chosen, dry_run=dry_run))

    def _adopt(self, fork: str, copies: Mapping[str, int], *, dry_run: bool) -> list[Adopted]:
        found = [self._merge_copy(fork, name, first) for name, first in copies.items()]
        told, writes = [one for one, _ in found], [write for _, write in found if write is not None]
        if dry_run or not writes or any(one.conflicts for one in told):
            return told
        try:
            made = zip(writes, self._kept.write(writes), strict=True)
        except Moved as moved:
            raise Conflict(f"agent {moved.save.key.name} has been saved meanwhile") from None
        versions = {write.key.name: saved.version for write, saved in made if isinstance(saved, Saved)}
        return [replace(one, version=versions.get(one.agent_id)) for one in told]

    def _merge_copy(self, fork: str, name: str, first: int) -> tuple[Adopted, Saves | None]:
        """Return what becomes of a shared agent, and the write that makes it so; None where nothing is to be done."""
        copy = own_name(fork, name)
        base, theirs = self._load(copy, version=first), self._load(copy)
        ours, version = self._present(name)
        merged, conflicts = _merged(base, ours, theirs)
        if conflicts:
            return Adopted(name, copy, None, (), conflicts), None
        changes = _changes(_facts(ours), merged)
        write = self._saves(_agent(name, merged), version) if changes else None
        return Adopted(name, copy, None, changes, ()), write and replace(write, op=Op.MERGE)

    def _copies(self, fork: str) -> dict[str, int]:
        """Return the shared agents of which a fork has a copy that is there, and by which of its versions it was made.

        A copy of what was the other quest's own is none of a shared agent.
        """
        place = (self._kept.namespace, self._kept.prefix)
        copied = (_VERSIONS.c.quest_id == fork, _VERSIONS.c.op == Op.FORK, *within(_VERSIONS, *place))
        there = (_HEADS.c.owner == fork, _HEADS.c.body_version.is_not(None), *within(_HEADS, *place))
        copies = select(_HEADS.c.agent_id, func.min(_VERSIONS.c.version).label("first"))
        copies = copies.join(_VERSIONS, _VERSIONS.c.agent_id == _HEADS.c.agent_id).where(*copied, *there)
        source = select(quests.c.forked_from).where(quests.c.quest_id == fork, quests.c.namespace == place[0])

        def work(connection: Connection, _: float) -> dict[str, int]:
            parent = (connection.execute(source).scalar() or "").rpartition("@v")[0]
            private = select(_HEADS.c.agent_id).where(_HEADS.c.owner == parent, *within(_HEADS, *place))
            own = {_unowned(parent, name) for name in connection.execute(private).scalars()}
            rows = connection.execute(copies.group_by(_HEADS.c.agent_id).order_by(_HEADS.c.agent_id))
            found = {_unowned(fork, row.agent_id): row.first for row in rows}
            return {name: first for name, first in found.items() if name not in own}

        return self._kept.read(work)


def _unowned(quest_id: str, name: str) -> str:
    """Return what a quest calls its own of a name."""
    return name.removeprefix(own_name(quest_id, ""))


def _facts(state: AgentState | None) -> dict[str, Any]:
    """Return what a state says, as it is merged; its data as JSON, if it is."""
    if state is None:
        return {}
    return {"name": state.name, "status": state.status, "metadata": state.metadata, "state_data": state.state_data}


def _agent(name: str, facts: Mapping[str, Any]) -> AgentState:
    return AgentState(agent_id=name, **facts)


def _merged(
    base: AgentState | None, ours: AgentState | None, theirs: AgentState | None
) -> tuple[dict[str, Any], tuple[MergeConflict, ...]]:
    """Return what becomes of a state that both may have changed, and their conflicts."""
    sides = [_facts(state) for state in (base, ours, theirs)]
    if base is not None and ours is None:  # one has deleted what the other has kept
        return {}, (MergeConflict("", sides[0], ABSENT, sides[2]),)
    data = merge(*(side.pop("state_data", "") for side in sides))
    rest = merge(*sides)
    conflicts = tuple(replace(one, path=_in_data(one.path)) for one in data.conflicts)
    return {**rest.merged, "state_data": data.merged}, (*rest.conflicts, *conflicts)


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[StateChange, ...]:
    """Return what changes, in the data of the state path by path."""
    data = difference(before.pop("state_data", ""), after["state_data"])
    rest = difference(before, {name: value for name, value in after.items() if name != "state_data"})
    return (*rest, *(replace(one, path=_in_data(one.path)) for one in data))


def _in_data(path: str) -> str:
    return f"state_data.{path}" if path else "state_data"
