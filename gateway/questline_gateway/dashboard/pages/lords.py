"""The Lords: how each of their tools has fared, the worst first; those that nobody knows; and the same errors."""

from __future__ import annotations

from starlette.responses import Response

from questline_gateway.dashboard.failures import failures
from questline_gateway.dashboard.visit import Visit


def lords(visit: Visit) -> Response:
    """Return the page of the Lords."""
    found = visit.here.statistics.lords(visit.asked("lord") or None)
    live = [worker for worker in visit.here.register.all(now=visit.now) if worker.live]
    known = {handler for worker in live for handler in worker.handlers}
    needed = visit.here.repository.live_handlers()
    return visit.page(
        "lords.html",
        lords=sorted(found, key=lambda one: (101.0 if one.success_rate is None else one.success_rate, -one.total_runs)),
        known=known,
        failures=failures(visit),
        unknown={handler: number for handler, number in needed.items() if handler not in known},
    )
