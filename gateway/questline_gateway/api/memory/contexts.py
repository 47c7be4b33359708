"""What workflows know on their way, version by version."""

from __future__ import annotations

from typing import Annotated, Any

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
    name_meant,
)
from questline_gateway.api.pages import PAGE, Cursor, Limit, moment_of, page
from questline_gateway.api.shapes import answers, finds, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.clock import rfc3339
from questline_persistence.errors import NotFound
from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory.contexts import Contexts

router = APIRouter(prefix=f"{ROOT}/contexts", tags=["memory"], dependencies=[needs(Scope.READ, payloads=True)])

_Number = Annotated[int | None, Query(ge=0, le=2**31 - 1)]
_When = Annotated[str | None, Query(max_length=100, description="ISO 8601, or an age such as `2h` or `30d`.")]


@router.get("", responses=lists("WorkflowContext", "A page of contexts."))
def list_contexts(
    request: Request,
    here: Here,
    *,
    epic: _Number = None,
    story: _Number = None,
    feature: Text = None,
    workflow: Text = None,
    phase: Text = None,
    status: Annotated[list[str] | None, Query(max_length=10)] = None,
    since: _When = None,
    until: _When = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List the contexts of workflows as they are now; the workflow that was begun last comes first."""
    moments = {"since": moment_of(since, here), "until": moment_of(until, here)}
    given: dict[str, Any] = {
        "epic": epic,
        "story": story,
        "feature": feature,
        "workflow_name": workflow,
        "current_phase": phase,
        "status": status,
        **{name: None if moment is None else rfc3339(moment) for name, moment in moments.items()},
    }
    filters = {name: value for name, value in given.items() if value is not None}
    found = Contexts(here.kept(prefix)).search_contexts(filters, limit, cursor)
    return page(request, [context.to_data() for context in found], found.next_cursor, **moments)


@router.get("/search", responses=finds("WorkflowContext"))
def search_contexts(here: Here, q: Words, *, limit: Limit = PAGE, prefix: Prefix = None) -> Answer:
    """Search the contexts of workflows, as they are now, for words; the best come first."""
    found = Contexts(here.kept(prefix)).find_contexts(q, limit)
    items = [context.to_data() for context in found]
    return Answer({"items": items, "next_cursor": None, "newest_only": found.newest_only})


@router.get("/{workflow_id:path}/versions", responses=lists("Version", "A page of versions."))
def list_versions_of_context(
    request: Request,
    here: Here,
    workflow_id: Name,
    *,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List the versions of a workflow's context, newest first, and by which step each was written."""
    kept = here.kept(prefix)
    name = name_meant(kept, CONTEXTS, "contexts", workflow_id)
    return list_of_versions(request, kept, CONTEXTS, name, limit=limit, cursor=cursor)


@router.get("/{workflow_id:path}", responses=answers("WorkflowContext", "The context."))
def show_context(here: Here, workflow_id: Name, *, version: Version = None, prefix: Prefix = None) -> Answer:
    """Show the context of a workflow: its phase, its decisions, and what it has made."""
    kept = here.kept(prefix)
    name = name_meant(kept, CONTEXTS, "contexts", workflow_id)
    contexts = Contexts(kept)
    found = contexts.load_context(name) if version is None else contexts.get_context_by_version(name, version)
    if found is None:
        raise NotFound(f"{name} is not there now: it was deleted", hint="its versions are listed under /versions")
    return Answer(found.to_data())
