"""Agents, taken from one store to another as plain JSON data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Row, Select

from questline_persistence.arguments import key, mapping, moment
from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory import reading
from questline_persistence.memory.kept import MAX_PAGE
from questline_persistence.memory.models import AgentState, Event, Listed, StateSnapshot, StateTransition
from questline_persistence.memory.states.events import Events
from questline_persistence.memory.states.part import metadata_of
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.states.sessions import Sessions
from questline_persistence.memory.states.snapshots import Snapshots, snapshot_write
from questline_persistence.memory.states.transitions import Transitions, transition_write
from questline_persistence.memory.trying import named, trying
from questline_persistence.schema import is_key, tables_of
from questline_persistence.writes import Moved, Op, Remembered, Saves

T = TypeVar("T")

#: What exported data says that it is.
FORMAT = "questline.agent/1"
#: Most versions, transitions, snapshots, sessions, and events of a session, of one export.
MAX_EXPORTED = 10_000

_HINT = "give what export_agent has returned"
_ELSEWHERE = "give the store another key_prefix or namespace; a purge makes no room, since versions are counted on"
_VERSIONS = tables_of(AGENT_STATES).versions


class Transfer(Snapshots, Transitions, Events, Sessions):
    """Agents as data: all versions, the history, snapshots, and the sessions with their events."""

    def export_agent(self, agent_id: str) -> dict[str, Any]:
        """Return all that is kept of an agent as plain JSON data."""
        with trying("export agent", agent_id):
            name = key(agent_id, "agent_id")
            versions = _every(lambda cursor: self._versions(name, cursor))
            if not versions:
                raise NotFound("there is none", hint="look: list_agents()")
            history = _every(lambda cursor: self.get_state_history(name, MAX_PAGE, cursor=cursor))
            snapshots = _every(lambda cursor: self.list_snapshots(name, limit=MAX_PAGE, cursor=cursor))
            sessions = _every(lambda cursor: self.get_sessions(name, limit=MAX_PAGE, cursor=cursor))
            return {
                "format": FORMAT,
                "agent_id": name,
                "versions": [_version(row) for row in versions],
                "transitions": [change.to_json() for change in reversed(history)],
                "snapshots": [snapshot.to_json() for snapshot in reversed(snapshots)],
                "sessions": [
                    {**session.to_json(), "events": [event.to_json() for event in self._events_of(session.session_id)]}
                    for session in reversed(sessions)
                ],
            }

    def import_agent(self, data: Mapping[str, Any]) -> AgentState | None:
        """Keep an agent as it was exported, where none of its name was ever saved."""
        with trying("import an agent"):
            found = mapping(data, "an export", _HINT)
            if found.get("format") != FORMAT:
                raise PayloadError("this is no export of an agent", hint=_HINT)
            try:
                name, writes = key(found["agent_id"], "agent_id"), self._writes(found)
            except (KeyError, TypeError, AttributeError) as error:
                raise PayloadError(f"this is no export of an agent: {error!r:.100}", hint=_HINT) from error
            for session in found["sessions"]:
                self._take_over(session)
            try:
                self._kept.write(writes)
            except Moved:
                message = f"agent {named(name)} was saved here before"
                raise Conflict(message, current=self._load(name), expected=0, hint=_ELSEWHERE) from None
            return self._load(name)

    def _versions(self, name: str, cursor: str | None) -> Listed[Row[Any]]:
        own = is_key(_VERSIONS, AGENT_STATES, self._kept.stored_key(AGENT_STATES, name))

        def query(_: float) -> Select[Any]:
            return reading.of_versions(AGENT_STATES).where(*own)

        of = (AGENT_STATES.versions, name)
        order = (_VERSIONS.c.version,)
        page = self._kept.page(query, order, of=of, limit=MAX_PAGE, cursor=cursor, newest_first=False)
        return Listed(page.rows, page.next_cursor)

    def _events_of(self, session_id: str) -> list[Event]:
        return _every(lambda cursor: self.get_events(session_id, limit=MAX_PAGE, cursor=cursor))

    def _writes(self, data: Mapping[str, Any]) -> list[Remembered]:
        """Return what keeps an exported agent: its versions are counted anew, from 1."""
        name = key(data["agent_id"], "agent_id")
        numbers = {told["version"]: number for number, told in enumerate(data["versions"], start=1)}
        writes: list[Remembered] = [
            self._imports(name, told, numbers[told["version"]] - 1) for told in data["versions"]
        ]
        writes += [transition_write(self._kept, StateTransition(**told)) for told in data["transitions"]]
        for told in data["snapshots"]:
            made = StateSnapshot(**told | {"version": numbers[told["version"]]})
            expires = None if made.expires_at is None else moment(made.expires_at, "expires_at")
            writes.append(snapshot_write(self._kept, made, expires))
        return writes + [self._enters(Event(**told)) for session in data["sessions"] for told in session["events"]]

    def _imports(self, name: str, told: Mapping[str, Any], expected: int) -> Saves:
        if told["op"] == Op.DELETE:
            return Saves(AGENT_STATES, self._kept.key(name), Op.DELETE, expected=expected)
        fields = {field: told[field] for field in ("name", "status", *AGENT_STATES.body)}
        state = AgentState(agent_id=name, **fields)
        return replace(self._saves(state, expected), op=Op.IMPORT)

    def _take_over(self, told: Mapping[str, Any]) -> None:
        """Start a session as it was, and end it if it had ended."""
        fields = {name: told[name] for name in ("session_id", "user_id", "mission")}
        self.start_session(told["agent_id"], **fields)
        if told["ended_at"] is not None:
            self.end_session(told["session_id"], status=told["status"])


def _every(page: Callable[[str | None], Listed[T]]) -> list[T]:
    """Return the items of all pages of a list."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        items = page(cursor)
        found += items
        if len(found) > MAX_EXPORTED:
            message = f"there are more than {MAX_EXPORTED:,} of a kind"
            raise PayloadError(message, hint="copy the database instead: what is as large is no file to hand over")
        cursor = items.next_cursor
        if cursor is None:
            return found


def _version(row: Row[Any]) -> dict[str, Any]:
    own = taken(row, "version", "op", "name", "status", "state_data")
    metadata = None if row.metadata is None else metadata_of(row.metadata)
    return {**own, "metadata": metadata, "saved_at": row.created_at}
