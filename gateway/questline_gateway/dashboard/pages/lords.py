"""The Lords: how each of their tools has fared, the worst first; those that nobody knows; and the same errors."""

from __future__ import annotations

from collections import Counter

from starlette.responses import Response

from questline_gateway.dashboard.failures import failures
from questline_gateway.dashboard.fleet import durations, live_workers, ready_steps, worst_first
from questline_gateway.dashboard.visit import Visit


def lords(visit: Visit) -> Response:
    """Return the page of the Lords."""
    chosen = visit.asked("lord")
    found = worst_first(visit.here.statistics.lords(chosen or None))
    known = {handler for worker in live_workers(visit) for handler in worker.handlers}
    needed: Counter[str] = Counter()
    ready = ready_steps(visit)
    for group in ready.groups:
        needed[group.handler] += group.number
    return visit.page(
        "lords.html",
        lords=found,
        costs={group.name: group.cost for group in visit.here.costs.by("lord")},
        durations=durations(visit, found),
        versions=visit.here.statistics.durations(chosen, by_version=True) if chosen else [],
        known=known,
        failures=failures(visit),
        capped=ready.capped,
        unknown={handler: number for handler, number in needed.items() if handler not in known},
    )
