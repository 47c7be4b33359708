"""Two attempts, two versions of a quest, or two quests, side by side: only what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from questline_gateway.dashboard.visit import Visit
from questline_persistence.memory.looking import Compared, Comparing
from questline_persistence.memory.merging import ABSENT, StateChange

#: Most differences that are shown.
MAX_SHOWN = 300


def compare(visit: Visit) -> Response:
    """Return what differs between the two that the address names as `a` and `b`."""
    a, b = visit.asked("a").strip(), visit.asked("b").strip()
    if not (a and b):
        return visit.page("compare.html", a=a, b=b, sides=None, changes=[], absent=ABSENT, more=0)
    found = Comparing(visit.here.repository).compare(a, b)
    return visit.page(
        "compare.html",
        a=a,
        b=b,
        sides=[(side.name, _address(visit, side)) for side in (found.a, found.b)],
        changes=shown_changes(visit, found.changes[:MAX_SHOWN]),
        absent=ABSENT,
        more=max(len(found.changes) - MAX_SHOWN, 0),
    )


def shown_changes(visit: Visit, changes: Sequence[StateChange]) -> list[StateChange]:
    """Return changes as they are shown, without the values that the settings hide.

    Parameters:
      visit: the request.
      changes: the changes.
    """
    return [_shown_change(visit, change) for change in changes]


def _shown_change(visit: Visit, change: StateChange) -> StateChange:
    there = {name: value for name in ("before", "after") if (value := getattr(change, name)) is not ABSENT}
    before, after = visit.shown_change(change.path, there.get("before"), there.get("after"))
    shown = {"before": before, "after": after}
    return replace(change, **{name: shown[name] for name in there})


def _address(visit: Visit, side: Compared) -> str:
    """Return where one side can be looked at."""
    if side.run_id is not None:
        return visit.url("quests", side.quest_id, step=side.position)
    return f"{visit.url('quests', side.quest_id, version=side.version)}#state"
