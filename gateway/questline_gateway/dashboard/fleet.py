"""What several pages ask of the workers and Lords: who is alive, which steps wait for a worker, who fares worst."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from questline_gateway.dashboard.visit import Visit
from questline_persistence.records import Group, LordDurations, LordStatistics
from questline_persistence.recovery import WorkerView

#: After so many seconds without being picked up, a step that may run is overdue.
PATIENCE = 30.0
#: Most steps, or quests of one status, that a page counts; so many are shown as "10,000+".
MAX_SHOWN_COUNT = 10_000
#: Most Lords whose durations a page tells in detail: those that fare worst.
MAX_MEASURED = 50


class Steps(NamedTuple):
    """The steps of one state.

    Parameters:
      groups: as groups, whose quests are not named.
      capped: whether there may be more than were counted.
    """

    groups: list[Group]
    capped: bool


def live_workers(visit: Visit) -> list[WorkerView]:
    """Return the workers that are alive."""
    return [worker for worker in visit.here.register.all(now=visit.now) if worker.live]


def ready_steps(visit: Visit) -> Steps:
    """Return the steps that wait for a worker or for their time."""
    return _steps(visit.here.backlog.ready(patience=PATIENCE, now=visit.now, limit=MAX_SHOWN_COUNT, named=False))


def running_steps(visit: Visit) -> Steps:
    """Return the steps that workers hold."""
    return _steps(visit.here.backlog.running(now=visit.now, limit=MAX_SHOWN_COUNT, named=False))


def worst_first(lords: Iterable[LordStatistics]) -> list[LordStatistics]:
    """Return Lords in the order of their success, those that have neither succeeded nor failed last."""
    return sorted(lords, key=lambda one: (one.success_rate is None, one.success_rate or 0.0, -one.total_runs))


def durations(visit: Visit, lords: Iterable[LordStatistics]) -> dict[tuple[str, str], LordDurations]:
    """Return how long the attempts of some Lords took, by Lord and tool; of `MAX_MEASURED` Lords at most."""
    names = [*dict.fromkeys(one.lord_name for one in lords)][:MAX_MEASURED]
    found = (one for name in names for one in visit.here.statistics.durations(name))
    return {(one.lord_name, one.tool_name): one for one in found}


def _steps(groups: list[Group]) -> Steps:
    return Steps(groups, sum(group.number for group in groups) >= MAX_SHOWN_COUNT)
