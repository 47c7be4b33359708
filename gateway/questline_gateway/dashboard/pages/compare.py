"""Two attempts, two versions of a quest, or two quests, side by side: only what differs."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import QuestNotFound
from questline_persistence.memory.merging import ABSENT, difference
from questline_persistence.models import LordRun

#: Most differences that are shown.
MAX_SHOWN = 300
_VERSION = re.compile(r"(.+)@v(\d{1,9})")
_RUN = re.compile(r"(.+)#(\d{1,18})")
_HINT = "write a quest's id, ID@vVERSION for a version of it, or ID#RUN for an attempt"


class Side(NamedTuple):
    """One side of a comparison.

    Parameters:
      name: what it is called.
      href: where it can be looked at.
      content: what is compared.
    """

    name: str
    href: str
    content: dict[str, Any]


def compare(visit: Visit) -> Response:
    """Return what differs between the two that the address names as `a` and `b`."""
    a, b = visit.asked("a").strip(), visit.asked("b").strip()
    if not (a and b):
        return visit.page("compare.html", a=a, b=b, sides=None, changes=[], absent=ABSENT, more=0)
    sides = (_side(visit, a), _side(visit, b))
    changes = difference(sides[0].content, sides[1].content)
    return visit.page(
        "compare.html",
        a=a,
        b=b,
        sides=sides,
        changes=changes[:MAX_SHOWN],
        absent=ABSENT,
        more=max(len(changes) - MAX_SHOWN, 0),
    )


def _side(visit: Visit, named: str) -> Side:
    if match := _RUN.fullmatch(named):
        return _attempt(visit, match[1], int(match[2]))
    match = _VERSION.fullmatch(named)
    quest = visit.here.repository.glance(match[1] if match else named)
    snapshot = visit.here.repository.load_snapshot(quest.quest_id, int(match[2]) if match else None)
    content = {
        "quest_type": quest.quest_type,
        "input_data": quest.input_data,
        "run_data": snapshot.run_data,
        "remaining": [step.handler for step in snapshot.execution_stack],
    }
    href = visit.url("quests", quest.quest_id, version=snapshot.version)
    return Side(f"{quest.quest_id} v{snapshot.version}", f"{href}#state", content)


def _attempt(visit: Visit, quest_id: str, run_id: int) -> Side:
    """Return an attempt; what differs in every attempt, such as its time, is left out."""
    run = next(iter(visit.here.history.runs(quest_id, limit=1, after=run_id - 1)), None)
    if run is None or run.run_id != run_id:
        raise QuestNotFound(f"quest {quest_id} has no attempt {run_id}", hint=_HINT)
    href = visit.url("quests", quest_id, step=run.position)
    return Side(f"{quest_id} {run.position} attempt {run.attempt_number}", href, _content(run))


def _content(run: LordRun) -> dict[str, Any]:
    return {
        "handler": f"{run.lord_name}:{run.tool_name}",
        "status": str(run.status),
        "params": run.input_data,
        "output": run.output_data,
        "error": run.error_message,
        "worker": run.worker_id,
        "code_version": run.code_version,
    }
