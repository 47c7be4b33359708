"""The states of sessions in a database, version by version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, or_, select

from questline_persistence.arguments import MAX_KEY, flaw_of, key, mapping
from questline_persistence.clock import rfc3339
from questline_persistence.errors import NotFound
from questline_persistence.kinds import HISTORY, SESSIONS, TODO_LISTS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import MAX_PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import STATE_HINT, Listed, SessionState
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflict, version_of
from questline_persistence.payload import decode, encode
from questline_persistence.schema import tables_of
from questline_persistence.writes import Saves

#: What of a state its session tells of by itself, and how long that may be.
_TOLD = {"mission": None, "status": MAX_KEY, "user_id": MAX_KEY}
#: What a session tells of until its states say otherwise.
_AT_FIRST = {"mission": "", "status": "pending"}

_HEADS = tables_of(SESSIONS).heads
#: Whether a session has anything but the events that were saved in it elsewhere.
_IS_OURS = or_(_HEADS.c.body_version.is_not(None), reading.has_entries(SESSIONS, HISTORY))


class SessionStates:
    """The states of sessions: each save is a version.

    Parameters:
      kept: where they are kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def save_state(self, session_id: str, state_data: Mapping[str, Any], *, expected_version: int | None = None) -> int:
        """Save the next version of a session's state, and return its number."""
        name, wanted = key(session_id, "session_id"), version_of(expected_version)
        with trying("save the state of session", name):
            state = dict(mapping(state_data, "state_data", STATE_HINT))
            body = {"state_json": encode(state, what="state_data", limit=self._kept.database.limits.memory)}
            write = Saves(
                SESSIONS,
                self._kept.key(name),
                columns=_told(state),
                defaults=_AT_FIRST,
                body=body,
                expected=wanted,
            )
            saved = self._kept.save(write)
            if saved is None:
                raise conflict(wanted, self._load(name))
            return saved.version

    def load_state(self, session_id: str) -> dict[str, Any] | None:
        """Return what was saved of a session last; None where there is nothing."""
        found = self.load_with_version(session_id)
        return None if found is None else found.state_data

    def load_with_version(self, session_id: str) -> SessionState | None:
        """Return what was saved of a session last, with its version."""
        name = key(session_id, "session_id")
        with trying("load the state of session", name):
            return self._load(name)

    def delete_state(self, session_id: str) -> None:
        """Remove all versions of a session's state for good, with its history, events and to-do lists."""
        name = key(session_id, "session_id")
        with trying("delete the state of session", name):
            if not self._kept.purge(SESSIONS, name, where=[_IS_OURS], along=[TODO_LISTS]):
                raise NotFound("there is none")

    def list_sessions(self, *, limit: int = MAX_PAGE, cursor: str | None = None) -> Listed[str]:
        """Return the ids of the sessions that have a state, a page at a time, those first that were saved first."""
        with trying("list the sessions"):
            page = self._kept.page(
                self._ids,
                (_HEADS.c.created_at, _HEADS.c.id),
                of=(SESSIONS.name, "states"),
                limit=limit,
                cursor=cursor,
                newest_first=False,
                listing=Listing(SESSIONS, lambda _: True),
            )
            return Listed((row.session_id for row in page.rows), page.next_cursor)

    def _ids(self, now: float) -> Select[Any]:
        own = self._kept.rows(_HEADS)
        shown = (_HEADS.c[name] for name in ("session_id", "created_at", "id"))
        return select(*shown).where(*own, *reading.present(_HEADS, now))

    def _load(self, name: str) -> SessionState | None:
        row = self._kept.load(SESSIONS, name)
        return None if row is None else _state(row)


def _told(state: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a state its session tells of; what is no such text stays in the state alone."""
    found = ((name, state.get(name), most) for name, most in _TOLD.items())
    return {name: text for name, text, most in found if isinstance(text, str) and flaw_of(text, most=most) is None}


def _state(row: Row[Any]) -> SessionState:
    return SessionState(
        session_id=row.session_id,
        state_data=decode(row.state_json),
        version=row.version,
        timestamp=None if row.timestamp is None else rfc3339(row.timestamp),
    )
