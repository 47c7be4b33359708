"""Replay and fork: a form with what can be edited, a preview of what will run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.edited import corrections, read_json
from questline_gateway.dashboard.told import json_text
from questline_gateway.dashboard.verbs import MEANINGS
from questline_gateway.dashboard.visit import Visit
from questline_persistence.controls import Restart
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import QuestExecutionData, StepView
from questline_persistence.states import StepStatus

#: The largest JSON that can be edited on a page, in characters.
MAX_EDITED = 256_000


@dataclass(frozen=True, slots=True)
class Edited:
    """An object that can be edited before a quest runs again.

    Parameters:
      root: where it stands, such as ("input_data",).
      what: its name, for people.
      old: the object as it is.
      text: what it was edited to, as JSON; None where nothing was sent.
    """

    root: tuple[str, ...]
    what: str
    old: dict[str, Any]
    text: str | None

    @property
    def editable(self) -> bool:
        """Whether it is small enough for a page."""
        return len(json_text(self.old)) <= MAX_EDITED

    @property
    def shown(self) -> str:
        """What stands in the form."""
        return json_text(self.old) if self.text is None else self.text

    def changes(self) -> dict[str, Any]:
        """Return what was changed, by its path.

        Raises:
          PayloadError: it is not JSON, no object any more, or has lost a key.
        """
        if self.text is None or not self.editable:
            return {}
        return corrections(self.root, self.old, read_json(self.text, self.what), self.what)


def restart(visit: Visit, verb: str, quest: QuestExecutionData) -> Response:
    """Return the form of a replay or a fork with a preview of what will run; or do it, and send on to the quest.

    Parameters:
      visit: the request.
      verb: "replay" or "fork".
      quest: the quest, as in a list.
    """
    steps = visit.here.history.steps(quest.quest_id)
    start = visit.sent("from") or visit.asked("from") or _first_to_run(steps)
    input_data = Edited(("input_data",), "the input", quest.input_data, _sent(visit, "input"))
    params, found, changes, error = None, None, {}, None
    try:
        found = _tried(visit, verb, quest, start, {})
        params = _params(visit, quest, found)
        changes = input_data.changes() | (params.changes() if params else {})
        if changes:
            found = _tried(visit, verb, quest, start, changes)
        if visit.posted and visit.sent("action") == "do":
            return visit.go(visit.url("quests", _restarted(visit, verb, quest, start, changes)))
    except (PayloadError, QuestConflict, QuestNotFound) as caught:
        found, error = None, caught
    return visit.page(
        "restart.html",
        status=409 if isinstance(error, QuestConflict) else 400 if error else 200,
        verb=verb,
        quest=quest,
        steps=steps,
        start=start,
        input_data=input_data,
        params=params,
        new_id=visit.sent("new_id"),
        reason=visit.sent("reason"),
        restart=found,
        kept=_kept(steps, found),
        before={step.position: step for step in steps},
        error=error,
        meaning=MEANINGS[verb],
        command=shell.command(
            verb, quest.quest_id, start=start, changes=changes, as_=visit.sent("new_id"), reason=visit.sent("reason")
        ),
    )


def _sent(visit: Visit, name: str) -> str | None:
    return visit.sent(name) if visit.posted and name in visit.form else None


def _params(visit: Visit, quest: QuestExecutionData, found: Restart | None) -> Edited | None:
    """Return the params of the step that runs first; what was typed for another step than that is left out."""
    step = None if found is None else visit.here.history.step_at(quest.quest_id, found.version)
    if step is None or found is None:
        return None
    text = _sent(visit, "params") if visit.sent("params_of") == found.position else None
    return Edited(
        ("execution_stack", found.position, "params"), f"the params of step {found.position}", step.params, text
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
    client = visit.here.client
    if verb == "fork":
        new_id = visit.sent("new_id").strip() or None
        return client.fork(
            quest.quest_id, start or None, changes, new_id, reason=visit.reason, seen=visit.seen
        ).quest_id
    return client.replay(quest.quest_id, start or None, changes, reason=visit.reason, seen=visit.seen).quest_id


def _kept(steps: list[StepView], found: Restart | None) -> list[StepView]:
    """Return the steps that do not run again."""
    return [] if found is None else [step for step in steps if step.position < found.position]
