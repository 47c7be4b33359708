"""Numbers and lists about a whole namespace: statistics, Lords, workers, queues."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.pages import page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=[needs(Scope.READ)])


@router.get("/stats", responses=answers("Statistics", "The numbers."))
def show_statistics(here: Here) -> Answer:
    """Tell how many quests there are of each status, how long the newest took, and what was recovered from.

    Counts end at 100,000 quests of a status; durations are those of the newest 5,000 quests.
    """
    return Answer(here.client.stats())


@router.get("/lords", responses=lists("LordStatistics", "All Lords."))
def list_lords(
    request: Request,
    here: Here,
    lord: Annotated[str | None, Query(max_length=100, description="Only this Lord.")] = None,
) -> Answer:
    """List how the newest attempts of each Lord went, per tool; of each, up to 1,000 are looked at."""
    return page(request, here.client.lord_stats(lord))


@router.get("/workers", responses=lists("Worker", "All workers."))
def list_workers(request: Request, here: Here) -> Answer:
    """List worker processes and the steps that they run, newest first; ended ones stay in the list for a day."""
    now = here.now()
    return page(request, [worker.to_json(now, claims) for worker, claims in here.register.with_claims(now=now)])


@router.get("/queues", responses=lists("Queue", "All queues."))
def list_queues(request: Request, here: Here) -> Answer:
    """List queues: what waits in each and for how long, what runs, and how many workers listen to it."""
    return page(request, [queue.to_json() for queue in here.queues.all()])
