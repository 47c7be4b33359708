"""What a quest has been through, and where it stands: steps, attempts, snapshots, and why it does not move."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.pages import PAGE, Cursor, Limit, page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here, QuestId
from questline_gateway.security import Scope, needs
from questline_persistence.records import explained_quest

#: The highest number that a cursor can hold.
MAX_CURSOR = 10**18
#: The highest version that is looked for.
MAX_VERSION = 999_999_999

router = APIRouter(prefix="/api/v1/quests/{quest_id:path}", tags=["quests"], dependencies=[needs(Scope.READ)])

#: What steps have said is people's data, as what they return is.
sayings = APIRouter(
    prefix="/api/v1/quests/{quest_id:path}", tags=["quests"], dependencies=[needs(Scope.READ, payloads=True)]
)

_After = Annotated[
    int | None, Query(ge=0, le=MAX_CURSOR, description="Where the page begins: the `next_cursor` of the page before.")
]


@router.get("/steps", responses=lists("Step", "All of its steps."))
def list_steps(request: Request, here: Here, quest_id: QuestId) -> Answer:
    """List the steps of a quest with their status, in their order."""
    return page(request, [step.to_json() for step in here.history.steps(quest_id)])


@router.get("/runs", responses=lists("Attempt", "A page of attempts."))
def list_attempts(
    request: Request, here: Here, quest_id: QuestId, limit: Limit = PAGE, cursor: _After = None
) -> Answer:
    """List the attempts of a quest's steps, in the order in which they were recorded."""
    found = here.history.runs_page(quest_id, limit=limit, after=cursor)
    return page(request, [run.to_json() for run in found.items], found.next_cursor)


@router.get("/snapshots", responses=lists("SnapshotHead", "A page of snapshots."))
def list_snapshots(
    request: Request, here: Here, quest_id: QuestId, limit: Limit = PAGE, cursor: _After = None
) -> Answer:
    """List a quest's snapshots, oldest first, without their contents."""
    found = here.history.snapshots_page(quest_id, limit=limit, after=cursor)
    return page(request, [head.to_json() for head in found.items], found.next_cursor)


@router.get("/snapshots/{version}", responses=answers("Snapshot", "The snapshot."))
def show_snapshot(
    here: Here, quest_id: QuestId, version: Annotated[int, Path(ge=0, le=MAX_VERSION, description="The version.")]
) -> Answer:
    """Show the state that a quest had at a version: its outputs, and the steps that remained."""
    return Answer(here.history.snapshot(quest_id, version).to_json())


@router.get("/costs", responses=lists("StepCost", "What each step has spent, by model."))
def list_step_costs(request: Request, here: Here, quest_id: QuestId) -> Answer:
    """List what a quest's steps have spent, in all epochs, failed attempts included."""
    return page(request, [step.to_json() for step in here.costs.of_quest(quest_id)])


@sayings.get("/log", responses=lists("LogLine", "A page of lines."))
def list_lines(
    request: Request,
    here: Here,
    quest_id: QuestId,
    *,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    step: Annotated[str | None, Query(max_length=1_000, description="Only lines of the step at this position.")] = None,
) -> Answer:
    """List what a quest's steps have said: claim after claim, each in its order."""
    found = here.step_log.page(quest_id, limit=limit, after=cursor, position=step)
    return page(request, [line.to_json() for line in found.items], found.next_cursor)


@router.get("/why", responses=answers("Situation", "Why it is where it is."))
def show_situation(here: Here, quest_id: QuestId) -> Answer:
    """Tell why a quest is where it is, and the command that changes that."""
    return Answer(explained_quest(here.repository, quest_id, whole=False).situation.to_json())
