"""Two attempts, two versions of a quest, or two quests, side by side: only what differs."""

from __future__ import annotations

from starlette.responses import Response

from questline_gateway.dashboard.visit import Visit
from questline_persistence.memory.looking import Compared, Comparing
from questline_persistence.memory.merging import ABSENT

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
        changes=found.changes[:MAX_SHOWN],
        absent=ABSENT,
        more=max(len(found.changes) - MAX_SHOWN, 0),
    )


def _address(visit: Visit, side: Compared) -> str:
    """Return where one side can be looked at."""
    if side.run_id is not None:
        return visit.url("quests", side.quest_id, step=side.position)
    return f"{visit.url('quests', side.quest_id, version=side.version)}#state"
