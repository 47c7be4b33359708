"""Deleting a quest, for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from questline_gateway.api.tenancy import Acting, QuestId
from questline_gateway.security import Scope, needs
from questline_persistence.ids import not_found
from questline_persistence.models import MAX_REASON

router = APIRouter(prefix="/api/v1", tags=["quests"], dependencies=[needs(Scope.ADMIN)])


@router.delete("/quests/{quest_id:path}", status_code=204)
def delete_quest(
    acting: Acting,
    quest_id: QuestId,
    reason: Annotated[str | None, Query(max_length=MAX_REASON, description="Why; the audit keeps it.")] = None,
) -> Response:
    """Remove an ended quest with its attempts and snapshots, for good; cancel a live quest first."""
    if not acting.delete(quest_id, reason):
        raise not_found(quest_id)
    return Response(status_code=204)
