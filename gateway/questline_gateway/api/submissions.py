"""Submitting a quest."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool

from questline_gateway.answers import Answer
from questline_gateway.api.bodies import QuestFile
from questline_gateway.api.conditions import tag_of
from questline_gateway.api.preferences import Patience, awaited
from questline_gateway.api.shapes import answers
from questline_gateway.api.tenancy import Here, tell_state
from questline_gateway.security import Scope, needs
from questline_persistence.errors import PayloadError

router = APIRouter(prefix="/api/v1", tags=["quests"], dependencies=[needs(Scope.SUBMIT)])

_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=255, description="Submit at most once: the same key gives the same quest."
    ),
]
_OnConflict = Annotated[
    Literal["error", "return"],
    Query(description="What to answer if the key was used with another type or input."),
]


@router.post(
    "/quests",
    status_code=201,
    responses=answers("Quest", "The quest that this request has made.", status=201)
    | answers("Quest", "The quest that the key has made before."),
)
async def submit_quest(
    request: Request,
    here: Here,
    quest: QuestFile,
    wait: Patience,
    *,
    idempotency_key: _Key = None,
    on_conflict: _OnConflict = "error",
) -> Answer:
    """Submit one quest. A quest without steps gets those of its registered type."""
    key = _one_key(quest, idempotency_key)
    if isinstance(quest.get("quest_id"), str):
        tell_state(request, here, quest["quest_id"])
    handle = await run_in_threadpool(here.client.submit, quest, idempotency_key=key, on_conflict=on_conflict)
    made = await (run_in_threadpool(handle.get) if wait is None else awaited(request, here, handle.quest_id, wait))
    place = f"{request.scope.get('root_path', '')}/api/v1/quests/{quote(handle.quest_id, safe='')}"
    headers = {"Location": place, "ETag": tag_of(made)}
    if wait is not None:
        headers["Preference-Applied"] = f"wait={wait}"
    return Answer(made.to_json(), status_code=201 if handle.created else 200, headers=headers)


def _one_key(quest: dict[str, Any], header: str | None) -> str | None:
    """Return the idempotency key of the header, unless the quest has one of its own.

    Raises:
      PayloadError: it has, and that is another.
    """
    own = quest.get("idempotency_key")
    if header is not None and own is not None and own != header:
        raise PayloadError("the quest and the header Idempotency-Key give two keys", hint="give one of them")
    return header
