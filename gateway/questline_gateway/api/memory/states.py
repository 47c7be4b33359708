"""What agents are and know, version by version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.memory.answering import (
    ROOT,
    Name,
    Prefix,
    Text,
    Version,
    Words,
    list_of_versions,
    listed,
    matched,
    name_meant,
    there,
)
from questline_gateway.api.pages import PAGE, Cursor, Limit, moment_of
from questline_gateway.api.shapes import answers, finds, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.states import States

router = APIRouter(prefix=f"{ROOT}/states", tags=["memory"], dependencies=[needs(Scope.READ, payloads=True)])


@router.get("", responses=lists("AgentState", "A page of agents."))
def list_states(
    request: Request,
    here: Here,
    *,
    status: Text = None,
    deleted: Annotated[bool, Query(description="Deleted agents, too.")] = False,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List agents and their states as they are now; the agent that was made last comes first."""
    states = States(here.kept(prefix))
    return listed(request, states.list_agents(status, include_deleted=deleted, limit=limit, cursor=cursor))


@router.get("/search", responses=finds("AgentState"))
def search_states(here: Here, q: Words, *, limit: Limit = PAGE, prefix: Prefix = None) -> Answer:
    """Search the states of agents, as they are now, for words; the best come first."""
    return matched(States(here.kept(prefix)).search_agents(q, limit=limit))


@router.get("/{agent_id:path}/versions", responses=lists("Version", "A page of versions."))
def list_versions_of_state(
    request: Request, here: Here, agent_id: Name, *, limit: Limit = PAGE, cursor: Cursor = None, prefix: Prefix = None
) -> Answer:
    """List the versions of an agent's state, newest first, and by which step each was written."""
    kept = here.kept(prefix)
    name = name_meant(kept, AGENT_STATES, "states", agent_id)
    return list_of_versions(request, kept, AGENT_STATES, name, limit=limit, cursor=cursor)


@router.get("/{agent_id:path}/history", responses=lists("StateTransition", "A page of transitions."))
def list_transitions(
    request: Request, here: Here, agent_id: Name, *, limit: Limit = PAGE, cursor: Cursor = None, prefix: Prefix = None
) -> Answer:
    """List the transitions of an agent from one state to another, newest first, and why it changed."""
    kept = here.kept(prefix)
    name = name_meant(kept, AGENT_STATES, "states", agent_id)
    return listed(request, States(kept).get_state_history(name, limit, cursor=cursor))


@router.get("/{agent_id:path}", responses=answers("AgentState", "The state."))
def show_state(
    here: Here,
    agent_id: Name,
    *,
    version: Version = None,
    at: Annotated[
        str | None, Query(max_length=100, description="As it was then: ISO 8601, or an age such as `2h` or `30d`.")
    ] = None,
    prefix: Prefix = None,
) -> Answer:
    """Show what an agent is and knows, now, at an earlier version, or at a time."""
    kept = here.kept(prefix)
    name = name_meant(kept, AGENT_STATES, "states", agent_id)
    return there(States(kept).load_agent_state(name, version=version, as_of=moment_of(at, here)), name, version)
