"""The audit: who did what, when, why, and from where."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.pages import PAGE, Cursor, Limit, moment_of, page
from questline_gateway.api.shapes import lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.audit import AuditFilter, AuditLog
from questline_persistence.errors import QuestNotFound

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=[needs(Scope.ADMIN)])

_Word = Annotated[str, Query(max_length=100)]


@router.get("/audit", responses=lists("AuditEntry", "A page of entries."))
def list_audit(
    request: Request,
    here: Here,
    *,
    quest: Annotated[
        str | None, Query(max_length=200, description="Only about this quest; of a deleted one, its whole id.")
    ] = None,
    actor: Annotated[str | None, Query(max_length=200, description="Only by this actor: the whole name.")] = None,
    verb: Annotated[list[_Word] | None, Query(max_length=50, description="Only this verb; repeatable.")] = None,
    since: Annotated[str | None, Query(max_length=100, description="Only since then, as in other lists.")] = None,
    until: Annotated[str | None, Query(max_length=100, description="Only before then.")] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Answer:
    """List what people and programs did, newest first: who did what, when, why, and from where."""
    if quest is not None:
        with suppress(QuestNotFound):  # one that is gone is named by its whole id
            quest = here.repository.full_id(quest)
    moments = {"since": moment_of(since, here), "until": moment_of(until, here)}
    chosen = AuditFilter(quest_id=quest, actor=actor, verb=verb, **moments)
    found = AuditLog(here.database, here.namespace).page(chosen, limit=limit, cursor=cursor)
    return page(request, [entry.to_json() for entry in found.items], found.next_cursor, **moments)
