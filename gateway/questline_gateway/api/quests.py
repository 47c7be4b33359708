"""Quests: lists of them, and one of them, whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.conditions import tag_of
from questline_gateway.api.filters import Filter
from questline_gateway.api.pages import PAGE, Cursor, Limit, page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here, QuestId
from questline_gateway.security import Scope, needs
from questline_persistence.records import MAX_PASSED, QuestSort, explained_quest

Sort = Annotated[
    QuestSort,
    Query(
        description="Which come first: those made last (`newest`) or first (`oldest`), those whose status changed last "
        "(`updated`), or, of those that have not ended, those whose status has not changed for longest (`waiting`)."
    ),
]

router = APIRouter(prefix="/api/v1", tags=["quests"], dependencies=[needs(Scope.READ)])


@router.get("/quests", responses=lists("Quest", "A page of quests."))
def list_quests(
    request: Request,
    here: Here,
    chosen: Filter,
    *,
    sort: Sort = QuestSort.NEWEST,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Answer:
    """List quests, the newest first unless told otherwise, without their outputs and steps.

    Where a filter asks for more than statuses and times, a page ends after 10,000 quests that were looked at: it may be
    short, or empty, and has a `next_cursor` all the same.
    """
    found = here.repository.lists.page(chosen, sort=sort, limit=limit, cursor=cursor, most_looked=MAX_PASSED)
    return page(
        request, [quest.to_json() for quest in found.items], found.next_cursor, since=chosen.since, until=chosen.until
    )


@router.get("/quests/{quest_id:path}", responses=answers("ExplainedQuest", "The quest."))
def show_quest(here: Here, quest_id: QuestId) -> Answer:
    """Show one quest, whole, and why it is where it is. Its `ETag` is its version."""
    found = explained_quest(here.repository, quest_id)
    return Answer(found.to_json(), headers={"ETag": tag_of(found.quest)})
