"""The verbs: a form that tells what will happen before it is sent, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.edited import corrections, read_json
from questline_gateway.dashboard.pages.batches import make_batch
from questline_gateway.dashboard.pages.quest_list import PAGE
from questline_gateway.dashboard.told import json_text
from questline_gateway.dashboard.verbs import MEANINGS, refused
from questline_gateway.dashboard.visit import Visit
from questline_persistence.controls import Restart
from questline_persistence.errors import PayloadError, QuestConflict, QuestlineError, QuestNotFound
from questline_persistence.models import QuestExecutionData, StepView
from questline_persistence.states import StepStatus
from questline_scheduler.client import QuestClient

#: The largest JSON that can be edited on a page, in characters.
MAX_EDITED = 256_000
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
        return _restart(visit, verb, quest)
    if verb not in _SIMPLE:
        raise QuestNotFound(f"there is no verb {verb:.40}")
    if not visit.posted:
        return _form(visit, verb, quest)
    try:
        _SIMPLE[verb](visit.here.client, quest.quest_id, _reason(visit), _seen(visit))
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


def _reason(visit: Visit) -> str | None:
    """Return why somebody does something, in their words."""
    return visit.sent("reason").strip() or None


def _seen(visit: Visit) -> int | None:
    """Return the version that the quest had when its form was made."""
    text = visit.sent("version")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len("999999999") else None


def _restart(visit: Visit, verb: str, quest: QuestExecutionData) -> Response:
    """Return the form of a replay or a fork with a preview of what will run; or do it."""
    history = visit.here.history
    steps = history.steps(quest.quest_id)
    start = visit.sent("from") or visit.asked("from") or _first_to_run(steps)
    old = json_text(quest.input_data)
    edited = visit.sent("input", old)
    restart, changes, error = None, {}, None
    try:
        if visit.posted and len(old) <= MAX_EDITED:
            changes = corrections(("input_data",), quest.input_data, read_json(edited, "the input"), "the input")
        restart = _tried(visit, verb, quest, start, changes)
        if visit.posted and visit.sent("action") == "do":
            return visit.go(visit.url("quests", _restarted(visit, verb, quest, start, changes)))
    except (PayloadError, QuestConflict, QuestNotFound) as caught:
        error = caught
    return visit.page(
        "restart.html",
        status=409 if isinstance(error, QuestConflict) else 400 if error else 200,
        verb=verb,
        quest=quest,
        steps=steps,
        start=start,
        edited=edited,
        editable=len(old) <= MAX_EDITED,
        new_id=visit.sent("new_id"),
        reason=visit.sent("reason"),
        restart=restart,
        kept=_kept(steps, restart),
        before={step.position: step for step in steps},
        error=error,
        meaning=MEANINGS[verb],
        command=shell.command(
            verb, quest.quest_id, start=start, changes=changes, as_=visit.sent("new_id"), reason=visit.sent("reason")
        ),
    )


def _first_to_run(steps: list[StepView]) -> str:
    """Return where a replay starts that nobody has said more about: the failed step, or else the first."""
    failed = next((step.position for step in steps if step.status is StepStatus.ERROR), None)
    return failed or (steps[0].position if steps else "")


def _tried(visit: Visit, verb: str, quest: QuestExecutionData, start: str, changes: dict[str, Any]) -> Restart | None:
    """Return what a replay or fork would do, and do nothing."""
    if verb == "fork":
        return visit.here.client.fork(quest.quest_id, start or None, changes, dry_run=True).restart
    return visit.here.client.replay(quest.quest_id, start or None, changes, dry_run=True).restart


def _restarted(visit: Visit, verb: str, quest: QuestExecutionData, start: str, changes: dict[str, Any]) -> str:
    """Replay or fork a quest; return the id of the quest that runs now."""
    client, reason, seen = visit.here.client, _reason(visit), _seen(visit)
    if verb == "fork":
        new_id = visit.sent("new_id").strip() or None
        return client.fork(quest.quest_id, start or None, changes, new_id, reason=reason, seen=seen).quest_id
    return client.replay(quest.quest_id, start or None, changes, reason=reason, seen=seen).quest_id


def _kept(steps: list[StepView], restart: Restart | None) -> list[StepView]:
    """Return the steps that do not run again."""
    return [] if restart is None else [step for step in steps if step.position < restart.position]


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
    results = [_steered(visit, verb, quest_id, _reason(visit)) for quest_id in ids]
    return visit.page("many_done.html", verb=verb, results=results, done=sum(result.done for result in results))


def _steered(visit: Visit, verb: str, quest_id: str, reason: str | None) -> Result:
    try:
        _SIMPLE[verb](visit.here.client, quest_id, reason, None)
    except QuestlineError as error:
        return Result(quest_id, done=False, message=error.advice)
    return Result(quest_id, done=True, message="")
