"""The verbs on one quest: pause, resume, cancel, retry, replay, fork."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request

from questline_gateway.answers import Answer
from questline_gateway.api.bodies import Forked, Reasoned, Replayed, Resumed
from questline_gateway.api.conditions import Seen, tag_of
from questline_gateway.api.shapes import answers
from questline_gateway.api.tenancy import Acting, QuestId
from questline_gateway.security import Scope, needs
from questline_persistence.controls import Controlled

router = APIRouter(prefix="/api/v1/quests/{quest_id:path}", tags=["verbs"], dependencies=[needs(Scope.CONTROL)])


@router.post("/pause", responses=answers("Controlled", "What was done."))
def pause_quest(acting: Acting, quest_id: QuestId, seen: Seen, body: Reasoned | None = None) -> Answer:
    """Pause a live quest: at once, or when its running step has ended (`status` tells)."""
    return _done(acting.pause(quest_id, _reason(body), seen=seen))


@router.post("/resume", responses=answers("Controlled", "What was done."))
def resume_quest(acting: Acting, quest_id: QuestId, seen: Seen, body: Resumed | None = None) -> Answer:
    """Let a paused quest go on from where it stands."""
    body = body or Resumed()
    return _done(acting.resume(quest_id, body.reason, seen=seen, budget=body.budget))


@router.post("/cancel", responses=answers("Controlled", "What was done."))
def cancel_quest(acting: Acting, quest_id: QuestId, seen: Seen, body: Reasoned | None = None) -> Answer:
    """Stop a live quest for good; what its running step still returns is dropped."""
    return _done(acting.cancel(quest_id, _reason(body), seen=seen))


@router.post("/retry", responses=answers("Controlled", "What was done."))
def retry_quest(acting: Acting, quest_id: QuestId, seen: Seen, body: Reasoned | None = None) -> Answer:
    """Run the failed step of a failed quest again, with all of its attempts."""
    return _done(acting.retry(quest_id, _reason(body), seen=seen))


@router.post("/replay", responses=answers("Controlled", "What was done."))
def replay_quest(acting: Acting, quest_id: QuestId, seen: Seen, body: Replayed | None = None) -> Answer:
    """Take a quest back to an earlier snapshot and run it again from there, as its next epoch.

    With `dry_run`, nothing changes: the answer tells where it would start, what it would change, and what would run.
    """
    body = body or Replayed()
    done = acting.replay(
        quest_id,
        body.from_,
        body.set,
        seen=seen,
        dry_run=body.dry_run,
        keep_state=body.keep_state,
        keep_once=body.keep_once,
        reason=body.reason,
    )
    if body.dry_run:
        return Answer(done.preview(acting.repository.status(quest_id)))
    return _done(done)


@router.post(
    "/fork",
    status_code=201,
    responses=answers("Quest", "The new quest.", status=201) | answers("Forked", "What would be done."),
)
def fork_quest(request: Request, acting: Acting, quest_id: QuestId, seen: Seen, body: Forked | None = None) -> Answer:
    """Start a new quest from a snapshot of this one, and leave this one as it is.

    With `dry_run`, nothing changes: the answer tells where it would start, what it would change, and what would run.
    """
    body = body or Forked()
    handle = acting.fork(
        quest_id,
        body.from_,
        body.set,
        body.quest_id,
        seen=seen,
        dry_run=body.dry_run,
        keep_once=body.keep_once,
        recorded=body.recorded,
        reason=body.reason,
    )
    if body.dry_run:
        return Answer(handle.preview(quest_id))
    made = handle.get()
    place = f"{request.scope.get('root_path', '')}/api/v1/quests/{quote(handle.quest_id, safe='')}"
    return Answer(made.to_json(), status_code=201, headers={"Location": place, "ETag": tag_of(made)})


def _reason(body: Reasoned | None) -> str | None:
    return None if body is None else body.reason


def _done(done: Controlled) -> Answer:
    return Answer(done.to_json(), headers={"ETag": f'"{done.version}"'})
