"""What several pages ask of the workers and Lords: who is alive, which steps wait for a worker, who fares worst."""

from __future__ import annotations

from collections.abc import Iterable

from questline_gateway.dashboard.visit import Visit
from questline_persistence.records import Group, LordStatistics
from questline_persistence.recovery import WorkerView

#: After so many seconds without being picked up, a step that may run is overdue.
PATIENCE = 30.0


def live_workers(visit: Visit) -> list[WorkerView]:
    """Return the workers that are alive."""
    return [worker for worker in visit.here.register.all(now=visit.now) if worker.live]


def ready_steps(visit: Visit) -> list[Group]:
    """Return the steps that wait for a worker or for their time, as groups."""
    return visit.here.backlog.ready(patience=PATIENCE, now=visit.now)


def worst_first(lords: Iterable[LordStatistics]) -> list[LordStatistics]:
    """Return Lords in the order of their success, those that have neither succeeded nor failed last."""
    return sorted(lords, key=lambda one: (one.success_rate is None, one.success_rate or 0.0, -one.total_runs))
