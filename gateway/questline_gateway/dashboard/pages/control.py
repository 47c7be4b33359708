"""The verbs: a form that tells what will happen before it is sent, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.pages.batches import make_batch
from questline_gateway.dashboard.pages.quest_list import PAGE
from questline_gateway.dashboard.pages.restart import restart
from questline_gateway.dashboard.verbs import MEANINGS, refused
from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import QuestConflict, QuestlineError, QuestNotFound
from questline_persistence.models import QuestExecutionData
from questline_scheduler.client import QuestClient

#: Most quests that one form steers: a page of the list. More of them are a batch.
MAX_MANY = PAGE
#: Quests that a preview names.
MAX_NAMED = 8

#: The verbs that change a quest and nothing else, and take a reason or none.
_SIMPLE: dict[str, Callable[[QuestClient, str, str | None, int | None], object]] = {
    "pause": lambda client, quest_id, reason, seen: client.pause(quest_id, reason, seen=seen),
    "resume": lambda client, quest_id, reason, seen: client.resume(quest_id, reason, seen=seen),
    "cancel": lambda client, quest_id, reason, seen: client.cancel(quest_id, reason, seen=seen),
    "retry": lambda client, quest_id, reason, seen: client.retry(quest_id, reason, seen=seen),
    "delete": lambda client, quest_id, reason, _: client.delete(quest_id, reason),
}


class Result(NamedTuple):
    """What a verb did to one of many quests: "done", or why not."""

    quest_id: str
    done: bool
    message: str


def control(visit: Visit) -> Response:
    """Return the form of a verb on a quest; or do what was sent, and send on to the quest."""
    verb: str = visit.request.path_params["verb"]
    quest = visit.here.repository.glance(visit.request.path_params["quest_id"])
    if verb in {"replay", "fork"}:
        return restart(visit, verb, quest)
    if verb not in _SIMPLE:
        raise QuestNotFound(f"there is no verb {verb:.40}")
    if not visit.posted:
        return _form(visit, verb, quest)
    try:
        if verb == "resume" and visit.sent("budget"):
            visit.here.client.resume(quest.quest_id, visit.reason, seen=visit.seen, budget=True)
        else:
            _SIMPLE[verb](visit.here.client, quest.quest_id, visit.reason, visit.seen)
    except QuestConflict as error:
        return _form(visit, verb, visit.here.repository.glance(quest.quest_id), error)
    return visit.go(visit.url("quests") if verb == "delete" else visit.url("quests", quest.quest_id))


def _form(visit: Visit, verb: str, quest: QuestExecutionData, error: QuestlineError | None = None) -> Response:
    return visit.page(
        "control.html",
        status=200 if error is None else 409,
        verb=verb,
        quest=quest,
        meaning=MEANINGS[verb],
        refused=refused(verb, quest),
        reason=visit.sent("reason"),
        error=error,
        command=shell.command(verb, quest.quest_id, reason=visit.sent("reason")),
    )


def control_many(visit: Visit) -> Response:
    """Return the preview of a verb on quests that are selected, or do it, and tell of each; all that match: a batch."""
    if visit.sent("all") == "1":
        return make_batch(visit)
    verb = visit.sent("verb")
    if verb not in _SIMPLE:
        raise QuestNotFound(f"there is no verb {verb:.40}")
    ids = list(dict.fromkeys(visit.form.get("pick", ())))[:MAX_MANY]
    if visit.sent("action") != "do":
        return visit.page(
            "many.html",
            verb=verb,
            ids=ids,
            named=ids[:MAX_NAMED],
            meaning=MEANINGS[verb],
            fields=[(name, value) for name, values in visit.form.items() for value in values if name != "action"],
            results=None,
            error=None,
        )
    results = [_steered(visit, verb, quest_id, visit.reason) for quest_id in ids]
    return visit.page("many_done.html", verb=verb, results=results, done=sum(result.done for result in results))


def _steered(visit: Visit, verb: str, quest_id: str, reason: str | None) -> Result:
    try:
        _SIMPLE[verb](visit.here.client, quest_id, reason, None)
    except QuestlineError as error:
        return Result(quest_id, done=False, message=error.advice)
    return Result(quest_id, done=True, message="")
