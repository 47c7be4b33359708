"""Deleting a quest, for good."""

from __future__ import annotations

from fastapi import APIRouter, Response

from questline_gateway.api.tenancy import Here, QuestId
from questline_gateway.security import Scope, needs
from questline_persistence.ids import not_found

router = APIRouter(prefix="/api/v1", tags=["quests"], dependencies=[needs(Scope.ADMIN)])


@router.delete("/quests/{quest_id:path}", status_code=204)
def delete_quest(here: Here, quest_id: QuestId) -> Response:
    """Remove an ended quest with its attempts and snapshots, for good; cancel a live quest first."""
    if not here.client.delete(quest_id):
        raise not_found(quest_id)
    return Response(status_code=204)
