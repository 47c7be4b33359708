"""One quest: why it does not move, its timeline, the chosen step, and its state at a version."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.elsewhere import elsewhere
from questline_gateway.dashboard.json_tree import Node, tree_of
from questline_gateway.dashboard.timeline import timeline_of
from questline_gateway.dashboard.verbs import verbs_for
from questline_gateway.dashboard.visit import Visit
from questline_persistence.costs import Cost
from questline_persistence.errors import PayloadError, QuestNotFound
from questline_persistence.models import LordRun, OnceCall, QuestExecutionData, Snapshot, StepView
from questline_persistence.records import explained_quest
from questline_persistence.states import RunStatus, StepStatus
from questline_persistence.step_log import LogLine

#: Steps that one page shows; of a longer quest, those around the chosen one.
STEPS = 60
#: Versions that one page names; the others are a link away.
VERSIONS = 60
#: Attempts of one step that are shown, and lines of its log.
ATTEMPTS, LINES = 50, 100


class SaidLine(NamedTuple):
    """A line of a step's log, and its fields, or the value that was emitted, as a tree."""

    line: LogLine
    data: Node | None


class MadeCall(NamedTuple):
    """A call that runs once in a step, and what it has returned, as a tree."""

    call: OnceCall
    output: Node


@dataclass(frozen=True, slots=True)
class ChosenStep:
    """The step that stands beside the timeline.

    Parameters:
      step: the step.
      runs: its attempts, the newest first; `ATTEMPTS` of them at most.
      failed: the attempt whose error is shown; None where the newest did not fail.
      params: what the step was given by itself, as a tree; None while it has not run.
      output: what it returned, as a tree; None where it has returned nothing yet.
      calls: what its calls that run once have returned, each with that as a tree.
      lines: what it has said last; `LINES` at most.
    """

    step: StepView
    runs: Sequence[LordRun]
    failed: LordRun | None
    params: Node | None
    output: Node | None
    calls: Sequence[MadeCall] = ()
    lines: Sequence[SaidLine] = ()


@dataclass(frozen=True, slots=True)
class StateAt:
    """The state of a quest at a version: the snapshot, its outputs as a tree, or why they cannot be shown."""

    version: int
    snapshot: Snapshot | None
    outputs: Node | None
    trouble: str = ""


def quest(visit: Visit) -> Response:
    """Return the page of a quest."""
    quest_id: str = visit.request.path_params["quest_id"]
    explained = explained_quest(visit.here.repository, quest_id, whole=False)
    found = explained.quest
    history = visit.here.history
    steps = history.steps(quest_id)
    chosen = _chosen(steps, visit.asked("step"))
    at = steps.index(chosen) if chosen is not None else 0
    first = max(0, min(at - STEPS // 2, len(steps) - STEPS))
    shown = steps[first : first + STEPS]
    runs = history.runs(quest_id, positions=[step.position for step in shown], contents=False)
    tickets = visit.here.repository.tickets(quest_id)
    fold = visit.asked("idle") != "show"
    timeline = timeline_of(shown, runs, tickets, epoch=found.epoch, now=visit.now, fold=fold)
    return visit.page(
        "quest.html",
        quest=found,
        why=explained.situation,
        verbs=verbs_for(found),
        steps=steps,
        first=first,
        shown=shown,
        timeline=timeline,
        fold=fold,
        step=None if chosen is None else _step(visit, found, chosen),
        input=tree_of(visit.shown("input_data", found.input_data)),
        output=None if found.output_data is None else tree_of(visit.shown("output_data", found.output_data)),
        versions=_versions(visit, found),
        state_at=_state(visit, found, len(steps)),
        written=shell.showing(visit, quest_id),
        code=_code(runs),
        elsewhere=elsewhere(visit, found),
        cost=_cost(visit, quest_id),
        busy=timeline.busy,
        done=sum(step.status is StepStatus.SUCCESS for step in steps),
    )


def _cost(visit: Visit, quest_id: str) -> Cost | None:
    """Return what a quest has spent; None where it has told of nothing."""
    steps = visit.here.costs.of_quest(quest_id)
    return sum((step.cost for step in steps), Cost()) if steps else None


def _chosen(steps: Sequence[StepView], position: str) -> StepView | None:
    """Return the step that is asked for; else the one where the quest stands, or the last."""
    if position:
        found = next((step for step in steps if step.position == position), None)
        if found is None:
            raise QuestNotFound(f"there is no step at {position:.40}", hint="the timeline names the steps")
        return found
    return next((step for step in steps if step.status is not StepStatus.SUCCESS), steps[-1] if steps else None)


def _step(visit: Visit, quest: QuestExecutionData, step: StepView) -> ChosenStep:
    runs = visit.here.history.runs(quest.quest_id, positions=[step.position])[-ATTEMPTS:][::-1]
    newest = runs[0] if runs else None
    failed = newest if newest is not None and newest.error_message else None
    succeeded = next((run for run in runs if run.status is RunStatus.SUCCESS), None)
    return ChosenStep(
        step,
        runs,
        failed,
        None if newest is None else tree_of(visit.shown("params", visit.shown("input_data", newest.input_data))),
        None if succeeded is None else tree_of(visit.shown("output_data", succeeded.output_data)),
        _calls(visit, quest, step, runs),
        [_said(visit, line) for line in visit.here.step_log.newest(quest.quest_id, step.position, limit=LINES)],
    )


def _calls(visit: Visit, quest: QuestExecutionData, step: StepView, runs: Sequence[LordRun]) -> Sequence[MadeCall]:
    """Return the calls of a step in the present epoch; of one that a replay has kept, those of the epoch it ran in."""
    found = visit.here.history.calls(quest.quest_id, quest.epoch, step.position)
    calls = found or [one for run in runs for one in run.calls]
    return [MadeCall(call, tree_of(visit.shown("output_data", call.output_data))) for call in calls]


def _said(visit: Visit, line: LogLine) -> SaidLine:
    return SaidLine(line, None if line.data is None else tree_of(visit.shown("data", line.value)))


def _versions(visit: Visit, quest: QuestExecutionData) -> list[dict[str, object]]:
    """Return the snapshots that lie around the version that is looked at."""
    wanted = _version(visit, quest)
    after = max(min(wanted + VERSIONS // 2, quest.version) - VERSIONS, -1)
    return visit.here.repository.snapshots(quest.quest_id, limit=VERSIONS, after=after)


def _version(visit: Visit, quest: QuestExecutionData) -> int:
    text = visit.asked("version")
    if text and not (text.isascii() and text.isdecimal() and len(text) < len(str(sys.maxsize))):
        raise PayloadError(f"{text!r:.40} is not the number of a version", hint="the bar of versions names them")
    return int(text) if text else quest.version


def _state(visit: Visit, quest: QuestExecutionData, steps: int) -> StateAt:
    """Return the state at the version that is asked for; that of a long quest only when it is asked for."""
    version = _version(visit, quest)
    if steps > STEPS and not visit.asked("version"):
        return StateAt(version, None, None, "")
    try:
        snapshot = visit.here.repository.load_snapshot(quest.quest_id, version)
    except PayloadError as error:
        return StateAt(version, None, None, error.advice)
    return StateAt(version, snapshot, tree_of(visit.shown("run_data", snapshot.run_data)))


def _code(runs: Sequence[LordRun]) -> list[str]:
    """Return the versions of the code that ran it, in order."""
    return list(dict.fromkeys(run.code_version for run in runs if run.code_version))
