"""Snapshots: versions of agents' states that somebody has given a name to, so as to come back to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select

from questline_persistence.arguments import Length, key, seconds, whole
from questline_persistence.clock import LATEST, rfc3339
from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.kinds import AGENT_STATES, SNAPSHOTS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.models import AgentState, Listed, StateSnapshot, origin_of
from questline_persistence.memory.states.agents import Agents
from questline_persistence.memory.states.part import metadata_of
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.trying import trying
from questline_persistence.schema import BODY_WRITE, first, is_key, table_of, tables_of
from questline_persistence.writes import Enters

#: Most expired snapshots that one call removes.
MAX_CLEANED = 1_000

_ROWS = table_of(SNAPSHOTS)
_VERSIONS = tables_of(AGENT_STATES).versions


class Snapshots(Agents):
    """The snapshots of agents. Each names a version, so it costs the same whatever the size of the state."""

    def create_snapshot(
        self, agent_id: str, description: str | None = None, *, expires_in: Length | None = None
    ) -> str:
        """Name the present version of an agent's state, and return the snapshot's id."""
        with trying("create a snapshot of agent", agent_id):
            made = StateSnapshot(agent_id=agent_id, description=description)
            self._sized({"description": made.description})
            length = None if expires_in is None else seconds(expires_in, "expires_in")
            version, now = self._version_now(made.agent_id)
            expires = None if length is None else _expiry(now + length)
            stored = self._kept.stored_key(AGENT_STATES, made.agent_id)
            named = made.model_copy(update={"agent_id": stored.name, "version": version})
            self._kept.enter(snapshot_write(self._kept, named, expires))
            return made.snapshot_id

    def list_snapshots(self, agent_id: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[StateSnapshot]:
        """Return the snapshots of an agent, newest first, a page at a time."""
        with trying("list the snapshots of agent", agent_id):
            name = key(agent_id, "agent_id")
            stored = self._kept.stored_key(AGENT_STATES, name)
            page = self._kept.page(
                lambda now: self._snapshots(now).where(_ROWS.c.agent_id == stored.name),
                (_ROWS.c.id,),
                of=(SNAPSHOTS.name, name),
                limit=limit,
                cursor=cursor,
            )
            return Listed((_snapshot(row) for row in page.rows), page.next_cursor)

    def get_snapshot(self, snapshot_id: str) -> StateSnapshot | None:
        """Return a snapshot; None where there is none, or none any more."""
        with trying("load snapshot", snapshot_id):
            row = self._snapshot(snapshot_id)
            return None if row is None else _snapshot(row)

    def restore_snapshot(self, snapshot_id: str, *, expected_version: int | None = None) -> AgentState:
        """Make the state that a snapshot names the present one of its agent, as a new version."""
        with trying("restore snapshot", snapshot_id):
            row = self._named_by(snapshot_id)
            name = None if row is None else self._kept.called(AGENT_STATES, row.agent_id)
            if name is None or row is None:
                raise NotFound("there is none, or none any more", hint="look: list_snapshots(agent_id)")
            return self._restored(name, row, f"restored from snapshot {snapshot_id}", expected_version)

    def remove_expired_snapshots(self, limit: int = MAX_CLEANED) -> int:
        """Free the space of snapshots that have expired, the oldest first; return how many."""
        with trying("remove expired snapshots"):
            most = min(whole(limit, "limit", least=1), MAX_CLEANED)
            own = self._kept.rows(_ROWS)

            def work(connection: Connection, now: float) -> int:
                over = _ROWS.c.expires_time.is_not(None), _ROWS.c.expires_time <= now
                oldest = select(_ROWS.c.id).where(*own, *over).order_by(_ROWS.c.expires_time).limit(most)
                return connection.execute(delete(_ROWS).where(_ROWS.c.id.in_(oldest))).rowcount

            return self._kept.change(work)

    def _version_now(self, name: str) -> tuple[int, float]:
        """Return the present version of an agent, and the time."""
        if self._kept.writes_to(AGENT_STATES, name):
            message = "this step has written it, and what it has written has no version yet"
            raise PayloadError(message, hint="create the snapshot before, or in a later step")

        stored = self._kept.stored_key(AGENT_STATES, name)

        def work(connection: Connection, now: float) -> tuple[Row[Any] | None, float]:
            heads = tables_of(AGENT_STATES).heads
            own = (*is_key(heads, AGENT_STATES, stored), *reading.present(heads, now))
            return connection.execute(select(heads.c.version).where(*own)).first(), now

        row, now = self._kept.read(work)
        if row is None:
            raise NotFound("there is none", hint="look: list_agents()")
        return row.version, now

    def _snapshots(self, now: float) -> Select[Any]:
        """Return the query of snapshots with the states that they name."""
        own = (*self._kept.rows(_ROWS), *reading.present(_ROWS, now))
        return _OF_SNAPSHOTS.where(*own)

    def _snapshot(self, snapshot_id: str) -> Row[Any] | None:
        name = key(snapshot_id, "snapshot_id")

        def work(connection: Connection, now: float) -> Row[Any] | None:
            return first(connection, self._snapshots(now).where(_ROWS.c.snapshot_id == name))

        return self._kept.read(work)

    def _named_by(self, snapshot_id: str) -> Row[Any] | None:
        """Return the version of an agent's state that a snapshot names, with its payload."""
        name = key(snapshot_id, "snapshot_id")

        def work(connection: Connection, now: float) -> Row[Any] | None:
            own = (*self._kept.rows(_ROWS), *reading.present(_ROWS, now), _ROWS.c.snapshot_id == name)
            return first(connection, _NAMED_VERSIONS.where(*own))

        return self._kept.read(work)


def _of_snapshots() -> Select[Any]:
    bodies = _VERSIONS.alias("bodies")
    return (
        select(_ROWS, *(bodies.c[name] for name in AGENT_STATES.body), bodies.c.write_id.label(BODY_WRITE))
        .join_from(_ROWS, _VERSIONS, _VERSIONS.c.id == reading.row_of(AGENT_STATES, _ROWS, _ROWS.c.version))
        .join(bodies, bodies.c.id == reading.row_of(AGENT_STATES, _VERSIONS, _VERSIONS.c.body_version))
    )


_OF_SNAPSHOTS = _of_snapshots()
_NAMED_VERSIONS = (
    reading.of_versions(AGENT_STATES)
    .join(_ROWS, _VERSIONS.c.id == reading.row_of(AGENT_STATES, _ROWS, _ROWS.c.version))
    .where(_VERSIONS.c.body_version.is_not(None))
)


def snapshot_write(kept: Kept, made: StateSnapshot, expires_time: float | None) -> Enters:
    """Return the write that names a version of an agent's state."""
    columns = taken(made, *SNAPSHOTS.columns, *SNAPSHOTS.body)
    return kept.entry(SNAPSHOTS, made.snapshot_id, columns, expires_time=expires_time)


def _expiry(moment: float) -> float:
    """Return when a snapshot expires, in epoch seconds, if that can be written as a time."""
    if moment > LATEST:
        raise PayloadError("expires_in leads beyond the year 9999", hint="leave it out for a snapshot that stays")
    return moment


def _snapshot(row: Row[Any]) -> StateSnapshot:
    own = taken(row, "snapshot_id", "agent_id", "version", "description", "state_data", "created_at")
    expires = None if row.expires_time is None else rfc3339(row.expires_time)
    return StateSnapshot(**own, metadata=metadata_of(row.metadata), origin=origin_of(row), expires_at=expires)
