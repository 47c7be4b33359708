"""Quests in the fewest words: submit one and wait for it; ask how far it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from questline_gateway.answers import Answer
from questline_gateway.api.bodies import QuestFile
from questline_gateway.api.preferences import MAX_WAIT, awaited
from questline_gateway.api.shapes import answers
from questline_gateway.api.tenancy import Here, QuestId
from questline_gateway.security import Scope, needs

#: How long a submission waits for its quest unless told otherwise, in seconds.
USUAL_WAIT = 10

submissions = APIRouter(prefix="/quest", tags=["simple"], dependencies=[needs(Scope.SUBMIT)])
looks = APIRouter(prefix="/quest", tags=["simple"], dependencies=[needs(Scope.READ)])

_Wait = Annotated[int, Query(ge=0, le=MAX_WAIT, description="How long to wait for the quest's end, in seconds.")]


@submissions.post("/submit", responses=answers("Outcome", "The quest, ended or not."))
async def submit_and_wait(request: Request, here: Here, quest: QuestFile, wait: _Wait = USUAL_WAIT) -> Answer:
    """Submit one quest, and answer once it has ended, or as it is when the time is over."""
    handle = await run_in_threadpool(here.client.submit, quest)
    found = await awaited(request, here, handle.quest_id, wait)
    return Answer({"quest_id": found.quest_id, "status": str(found.status), "output": found.output_data})


@looks.get("/{quest_id:path}", responses=answers("QuestProgress", "How far it is."))
def show_progress(here: Here, quest_id: QuestId) -> Answer:
    """Tell a quest's status, and how many of its steps are completed."""
    quest = here.repository.glance(quest_id)
    return Answer({"quest_id": quest.quest_id, "status": str(quest.status), "progress": quest.progress})
