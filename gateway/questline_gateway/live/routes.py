"""The streams: what happens to one quest, what its steps say, and which quests of the namespace change."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from questline_gateway.api import Here, QuestId
from questline_gateway.live.log_events import END
from questline_gateway.live.quest_events import seen_by
from questline_gateway.live.reader import in_thread
from questline_gateway.live.streams import Streams
from questline_gateway.security import Scope, Veil, needs
from questline_persistence.records.changes import FollowedQuests
from questline_persistence.states import TERMINAL

#: The highest version that is looked for.
MAX_VERSION = 999_999_999

router = APIRouter(prefix="/api/v1", tags=["live"], dependencies=[needs(Scope.READ)], default_response_class=Response)

_After = Annotated[
    int, Query(ge=-1, le=MAX_VERSION, description="Tell the versions after this one; -1 tells all of them.")
]
_AfterLine = Annotated[str | None, Query(max_length=200, description="Tell the lines after the one of this `cursor`.")]
_Last = Annotated[
    str | None,
    Header(max_length=1_000, description="The `id` of the last event that was read; it goes before `after`."),
]
_STREAM: dict[str, Any] = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}


@router.get(
    "/quests/{quest_id:path}/log/events",
    dependencies=[needs(Scope.READ, payloads=True)],
    responses={
        200: {"description": "The lines, as they are written.", **_STREAM},
        204: {"description": "The quest has ended, and `Last-Event-ID` says that this is known."},
    },
)
async def follow_log(
    request: Request, here: Here, quest_id: QuestId, after: _AfterLine = None, last_event_id: _Last = None
) -> Response:
    """Tell what a quest's steps say as they say it, as server-sent events: each line once, to the quest's end."""
    seen = after if last_event_id is None else last_event_id.removesuffix(END) or None
    if last_event_id is not None and last_event_id.endswith(END):
        status = await in_thread(partial(here.repository.status, quest_id))
        if status in TERMINAL:
            return Response(status_code=HTTPStatus.NO_CONTENT)
    settings = here.settings
    return _streams(request).of_log(here, quest_id, seen, Veil(settings.redact_keys, settings.redact_paths))


@router.get(
    "/quests/{quest_id:path}/events",
    responses={
        200: {"description": "The events, as they happen.", **_STREAM},
        204: {"description": "The quest has ended, and `Last-Event-ID` says that this is known."},
    },
)
async def follow_quest(
    request: Request, here: Here, quest_id: QuestId, after: _After = -1, last_event_id: _Last = None
) -> Response:
    """Tell what happens to a quest as it happens, as server-sent events: each version once, in order, to its end."""
    seen = None if last_event_id is None else seen_by(quest_id, last_event_id)
    version, ended = seen or (after, False)
    if ended:
        quests = FollowedQuests(here.database, here.namespace)
        state = (await in_thread(partial(quests.look, {quest_id: None})))[quest_id].state
        if state is not None and state.status in TERMINAL and state.version == version:
            return Response(status_code=HTTPStatus.NO_CONTENT)
    return _streams(request).of_quest(here, quest_id, version)


@router.get("/events", responses={200: {"description": "The events, as they happen.", **_STREAM}})
async def follow_namespace(request: Request, here: Here) -> Response:
    """Tell which quests change as they change, as server-sent events: id, status and version of each."""
    return _streams(request).of_namespace(here)


def _streams(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    return streams
