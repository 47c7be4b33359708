"""The run history: every quest as a run, and those that programs have recorded; and a run made of a goal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from questline_gateway.answers import Answer
from questline_gateway.api.preferences import MAX_WAIT, awaited
from questline_gateway.api.shapes import answers
from questline_gateway.api.tenancy import Here
from questline_gateway.problems import Problem, id_of
from questline_gateway.security import Scope, needs
from questline_persistence.errors import NotFound, StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.memory.runs import RunHistory

#: Runs on one page unless told otherwise, and at most; and the largest offset.
PAGE, MAX_PAGE, MAX_OFFSET = 20, 100, 10_000

reading = APIRouter(prefix="/api/v1", tags=["runs"], dependencies=[needs(Scope.READ, payloads=True)])
running = APIRouter(prefix="/api/v1", tags=["runs"], dependencies=[needs(Scope.SUBMIT)])

log = get_logger(__name__)


class Goal(BaseModel):
    """What is to be achieved."""

    model_config = ConfigDict(extra="forbid")

    goal: str = Field(min_length=1, max_length=10_000, description="what is to be achieved, in a sentence")


@reading.get("/runs", responses=answers("Runs", "A page of runs."))
async def list_runs(
    here: Here,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most runs on the page.")] = PAGE,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="How many to leave out at the beginning.")] = 0,
) -> Answer:
    """List runs, newest first."""
    found = await RunHistory(here.database, namespace=here.namespace).list_runs(limit, offset)
    return Answer({"runs": [run.to_json() for run in found], "limit": limit, "offset": offset})


@reading.get("/runs/{run_id:path}", responses=answers("RunFound", "The run."))
async def show_run(
    here: Here, run_id: Annotated[str, Path(description="The run's id; a quest's is its own.")]
) -> Answer:
    """Show one run, whole: what was planned, and what came of it."""
    return Answer({"run": await _recorded(here, run_id)})


@running.post("/run", responses=answers("RunMade", "What came of it."))
async def run_goal(request: Request, here: Here, body: Annotated[Goal, Body()]) -> Answer:
    """Plan how to reach a goal, carry that out, and answer with what came of it.

    It does so by a quest of the type that `QUESTLINE_RUN_QUEST_TYPE` names, and waits for up to 60 seconds.
    """
    quest_type = request.app.state.tenants.settings.run_quest_type
    if not quest_type:
        raise NotFound("no quest type here makes a quest of a goal", hint="set QUESTLINE_RUN_QUEST_TYPE")
    quest = {"quest_type": quest_type, "input_data": {"goal": body.goal}}
    try:
        handle = await run_in_threadpool(here.client.submit, quest)
        log.info("run_persisted", run_id=handle.quest_id, plan_id=f"{handle.quest_id}:0")
        await awaited(request, here, handle.quest_id, MAX_WAIT)
        run = await _recorded(here, handle.quest_id)
    except StoreUnavailable as error:
        log.warning("run_not_persisted", part="run", plan_id=None, error=error.message)
        return Problem(500, error.code, error.message, hint=error.hint, request_id=id_of(request))
    return Answer({name: run[name] for name in ("run_id", "plan_result", "execution_result")})


async def _recorded(here: Here, run_id: str) -> dict[str, Any]:
    return (await RunHistory(here.database, namespace=here.namespace).get_run(run_id)).to_json()
