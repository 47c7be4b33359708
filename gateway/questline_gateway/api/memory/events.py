"""What users, agents and the system did in sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.memory.answering import ROOT, Name, Prefix, Text, Words, listed, matched, name_meant, there
from questline_gateway.api.pages import PAGE, Cursor, Limit
from questline_gateway.api.shapes import answers, finds, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.kinds import EVENTS
from questline_persistence.memory.looking import entry, newest
from questline_persistence.memory.states import States, event_of

router = APIRouter(prefix=f"{ROOT}/events", tags=["memory"], dependencies=[needs(Scope.READ, payloads=True)])


@router.get("", responses=lists("Event", "A page of events."))
def list_events(
    request: Request,
    here: Here,
    *,
    session: Text = None,
    event_type: Annotated[str | None, Query(alias="type", max_length=255)] = None,
    commit: Text = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List events, newest first: of a session, of a type, or about a git commit."""
    wanted = {"session_id": session, "event_type": event_type, "git_commit": commit}
    return listed(request, newest(here.kept(prefix), EVENTS, event_of, limit=limit, cursor=cursor, **wanted))


@router.get("/search", responses=finds("Event"))
def search_events(here: Here, q: Words, *, session: Text = None, limit: Limit = PAGE, prefix: Prefix = None) -> Answer:
    """Search the events for words; the best come first."""
    return matched(States(here.kept(prefix)).search_events(q, session_id=session, limit=limit))


@router.get("/{event_id:path}", responses=answers("Event", "The event."))
def show_event(here: Here, event_id: Name, *, prefix: Prefix = None) -> Answer:
    """Show one event."""
    kept = here.kept(prefix)
    name = name_meant(kept, EVENTS, "events", event_id)
    return there(entry(kept, EVENTS, event_of, name), name)
