"""Batches: one verb over all quests that a filter means."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.batches.bodies import BatchLookedAt, BatchMade
from questline_gateway.api.bodies import Reasoned
from questline_gateway.api.pages import PAGE, Cursor, Limit, page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, admit, needs
from questline_persistence.batches import BatchOutcome, BatchVerb
from questline_persistence.models import MAX_KEY_LENGTH

reading = APIRouter(prefix="/api/v1/batches", tags=["batches"], dependencies=[needs(Scope.READ)])
steering = APIRouter(prefix="/api/v1/batches", tags=["batches"], dependencies=[needs(Scope.CONTROL)])


def batch_meant(
    request: Request, here: Here, batch_id: Annotated[str, Path(max_length=100, description="The batch's id.")]
) -> str:
    """Return the id of the batch that a path names; a conflict will tell its present state.

    Parameters:
      request: the request.
      here: the namespace.
      batch_id: as it stands in the path.
    """
    request.state.look = lambda: here.client.batches.get(batch_id).to_json()
    return batch_id


_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="Make it at most once: the same key gives the same batch.",
    ),
]
BatchId = Annotated[str, Depends(batch_meant)]


@steering.post("/preview", responses=answers("BatchPreview", "What would be done."))
def preview_batch(request: Request, here: Here, body: BatchLookedAt) -> Answer:
    """Tell how many quests a batch would mean now, and the first 20 of them; change nothing."""
    _refuse_more(request, body)
    chosen = body.filter.read(here)
    found = here.client.batches.preview(body.verb, chosen, from_=body.from_, set=body.set, keep_state=body.keep_state)
    return Answer(found.to_json())


@steering.post(
    "",
    status_code=201,
    responses=answers("Batch", "The batch that this request has made.", status=201)
    | answers("Batch", "The batch that the key has made before."),
)
def create_batch(request: Request, here: Here, body: BatchMade, idempotency_key: _Key = None) -> Answer:
    """Do a verb to all quests that a filter means: workers and schedulers carry it out, quest by quest.

    It means quests that were made before it, and reaches the oldest 100,000 of them.
    """
    _refuse_more(request, body)
    made = here.client.batches.create(
        body.verb,
        body.filter.read(here),
        name=body.name,
        from_=body.from_,
        set=body.set,
        keep_state=body.keep_state,
        reason=body.reason,
        idempotency_key=idempotency_key,
    )
    place = f"{request.scope.get('root_path', '')}/api/v1/batches/{made.batch_id}"
    return Answer(made.to_json(), status_code=200 if made.repeated else 201, headers={"Location": place})


@reading.get("", responses=lists("Batch", "A page of batches."))
def list_batches(request: Request, here: Here, limit: Limit = PAGE, cursor: Cursor = None) -> Answer:
    """List the batches, newest first, with how far they have come."""
    found = here.client.batches.list(limit=limit, cursor=cursor)
    return page(request, [batch.to_json() for batch in found.items], found.next_cursor)


@reading.get("/{batch_id}", responses=answers("Batch", "The batch."))
def show_batch(here: Here, batch_id: BatchId) -> Answer:
    """Show a batch, and how far it has come."""
    return Answer(here.client.batches.get(batch_id).to_json())


@reading.get("/{batch_id}/results", responses=lists("BatchResult", "A page of results."))
def list_batch_results(
    request: Request,
    here: Here,
    batch_id: BatchId,
    *,
    outcome: Annotated[BatchOutcome | None, Query(description="Only results of this kind.")] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Answer:
    """List what came of a batch's quests, one after the other, in the order of the work."""
    found = here.client.batches.results(batch_id, outcome=outcome, limit=limit, cursor=cursor)
    return page(request, [result.to_json() for result in found.items], found.next_cursor)


@steering.post("/{batch_id}/abort", responses=answers("Batch", "The batch, aborted."))
def abort_batch(here: Here, batch_id: BatchId, body: Reasoned | None = None) -> Answer:
    """Stop a batch: from then on it does nothing more. What it has done stays."""
    return Answer(here.client.batches.abort(batch_id, None if body is None else body.reason).to_json())


def _refuse_more(request: Request, body: BatchLookedAt) -> None:
    """Refuse to delete quests for whoever may not delete one, and to look for errors for whoever may not see one."""
    scope = Scope.ADMIN if body.verb is BatchVerb.DELETE else Scope.CONTROL
    admit(request, scope, payloads=body.filter.error is not None)
