"""Numbers and lists about a whole namespace: statistics, Lords, workers, queues."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from questline_gateway.answers import Answer
from questline_gateway.api.pages import page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.costs import BudgetScope, GroupedBy
from questline_persistence.records import Span, throughput_of

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=[needs(Scope.READ)])
limiting = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=[needs(Scope.CONTROL)])


class Limited(BaseModel):
    """How much may be spent, and by whom."""

    model_config = ConfigDict(extra="forbid")

    scope: BudgetScope = Field(description="one quest, all quests of a type, or all of the namespace")
    name: str = Field(default="", max_length=200, description="the quest's id, or the type; none for the namespace")
    max_usd: float | None = Field(default=None, ge=0, description="most US dollars")
    max_tokens: int | None = Field(default=None, ge=0, description="most tokens, in and out together")


@router.get("/stats", responses=answers("Statistics", "The numbers."))
def show_statistics(here: Here) -> Answer:
    """Tell how many quests there are of each status, how long the newest took, and what was recovered from.

    Counts end at 100,000 quests of a status; durations are those of the newest 5,000 quests. `cost` is what the quests
    that are there have spent.
    """
    return Answer(here.client.stats() | {"cost": here.costs.total().to_json()})


@router.get("/stats/throughput", responses=answers("Throughput", "What has ended."))
def show_throughput(
    here: Here, span: Annotated[Span, Query(description="An hour by minutes, or a day by hours.")] = Span.HOUR
) -> Answer:
    """Tell how many quests were completed and failed over time, and how long they took; up to 50,000 of each."""
    return Answer(throughput_of(here.database, here.namespace, span, here.now()).to_json())


@router.get("/lords", responses=lists("LordStatistics", "All Lords."))
def list_lords(
    request: Request,
    here: Here,
    lord: Annotated[str | None, Query(max_length=100, description="Only this Lord.")] = None,
) -> Answer:
    """List how the newest attempts of each Lord went, per tool; of each, up to 1,000 are looked at.

    `cost` is what the Lord has spent with all its tools.
    """
    spent = here.costs.of_lords()
    found = here.client.lord_stats(lord)
    return page(request, [each | {"cost": spent[each["lord_name"]].to_json()} for each in found])


@router.get("/costs", responses=lists("GroupCost", "What was spent, the most first."))
def list_costs(
    request: Request,
    here: Here,
    by: Annotated[GroupedBy, Query(description="By what costs are added up.")] = GroupedBy.LORD,
    label: Annotated[str | None, Query(max_length=100, description="The key of the label, with `by=label`.")] = None,
) -> Answer:
    """List what steps have spent by what they have in common; what deleted quests have spent counts no more."""
    return page(request, [group.to_json() for group in here.costs.by(by, label)])


@router.get("/budgets", responses=lists("Budget", "All budgets."))
def list_budgets(request: Request, here: Here) -> Answer:
    """List the budgets, and how much of each is spent."""
    return page(request, [budget.to_json() for budget in here.budgets.list()])


@limiting.put("/budgets", responses=answers("Budget", "The budget."))
def set_budget(here: Here, body: Limited) -> Answer:
    """Set a budget, or change one; quests that use one up are paused before their next step."""
    found = here.budgets.set(body.scope, body.name, max_usd=body.max_usd, max_tokens=body.max_tokens)
    return Answer(found.to_json())


@limiting.delete("/budgets", status_code=204, response_class=Response)
def remove_budget(
    here: Here,
    scope: Annotated[BudgetScope, Query(description="What the budget is of.")],
    name: Annotated[str, Query(max_length=200, description="The quest's id, or the type.")] = "",
) -> Response:
    """Remove a budget; quests that it has paused stay so until they are resumed."""
    here.budgets.remove(scope, name)
    return Response(status_code=204)


@router.get("/workers", responses=lists("Worker", "All workers."))
def list_workers(request: Request, here: Here) -> Answer:
    """List worker processes and the steps that they run, newest first; ended ones stay in the list for a day."""
    now = here.now()
    return page(request, [worker.to_json(now, claims) for worker, claims in here.register.with_claims(now=now)])


@router.get("/queues", responses=lists("Queue", "All queues."))
def list_queues(request: Request, here: Here) -> Answer:
    """List queues: what waits in each and for how long, what runs, and how many workers listen to it."""
    return page(request, [queue.to_json() for queue in here.queues.all()])
