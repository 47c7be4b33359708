"""Replay and fork: a form with what can be edited, a preview of what will run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.edited import corrections, read_json
from questline_gateway.dashboard.told import json_text
from questline_gateway.dashboard.verbs import MEANINGS
from questline_gateway.dashboard.visit import Visit
from questline_gateway.security import HIDDEN
from questline_persistence.controls import Change, Restart, Reversal
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import QuestExecutionData, StepView
from questline_persistence.payload import shortened
from questline_persistence.states import StepStatus

#: The largest JSON that can be edited on a page, in characters.
MAX_EDITED = 256_000


@dataclass(frozen=True, slots=True)
class Edited:
    """An object that can be edited before a quest runs again.

    Parameters:
      root: where it stands, such as ("input_data",).
      what: its name, for people.
      old: the object as it is shown.
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
          PayloadError: it is not JSON, no object any more, has lost a key, or would set what is hidden.
        """
        if self.text is None or not self.editable:
            return {}
        found = corrections(self.root, self.old, read_json(self.text, self.what), self.what)
        for path, value in found.items():
            if HIDDEN in json_text(value):  # what stands there is not what people see
                raise PayloadError(f"{shortened(path)} holds what is hidden", hint="set a value further inside it")
        return found


def restart(visit: Visit, verb: str, quest: QuestExecutionData) -> Response:
    """Return the form of a replay or a fork with a preview of what will run; or do it, and send on to the quest.

    Parameters:
      visit: the request.
      verb: "replay" or "fork".
      quest: the quest, as in a list.
    """
    steps = visit.here.history.steps(quest.quest_id)
    start = visit.sent("from") or visit.asked("from") or _first_to_run(steps)
    shown = visit.shown("input_data", quest.input_data)
    input_data = Edited(("input_data",), "the input", shown, _sent(visit, "input"))
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
        restart=None if found is None else _shown(visit, found),
        kept=_kept(steps, found),
        before={step.position: step for step in steps},
        error=error,
        meaning=MEANINGS[verb],
        command=shell.command(
            verb, quest.quest_id, start=start, changes=changes, as_=visit.sent("new_id"), reason=visit.sent("reason")
        ),
    )


def _shown(visit: Visit, found: Restart) -> Restart:
    """Return a restart as it is shown, without the values that the settings hide."""

    def values(one: Change | Reversal) -> dict[str, Any]:
        return dict(zip(("old", "new"), visit.shown_change(one.path, one.old, one.new), strict=True))

    changes = tuple(change._replace(**values(change)) for change in found.changes)
    reversals = tuple(back._replace(**values(back)) for back in found.reversals)
    return replace(found, changes=changes, reversals=reversals)


def _sent(visit: Visit, name: str) -> str | None:
    return visit.sent(name) if visit.posted and name in visit.form else None


def _params(visit: Visit, quest: QuestExecutionData, found: Restart | None) -> Edited | None:
    """Return the params of the step that runs first; what was typed for another step than that is left out."""
    step = None if found is None else visit.here.history.step_at(quest.quest_id, found.version)
    if step is None or found is None:
        return None
    text = _sent(visit, "params") if visit.sent("params_of") == found.position else None
    shown = visit.shown("params", step.params)
    return Edited(("execution_stack", found.position, "params"), f"the params of step {found.position}", shown, text)


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
