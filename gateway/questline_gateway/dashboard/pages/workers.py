"""The workers: what each process runs now; and the queues, with how long the oldest step has waited."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from questline_gateway.dashboard.fleet import ready_steps, running_steps
from questline_gateway.dashboard.visit import Visit
from questline_persistence.records import Group, Stage
from questline_persistence.recovery import WorkerView

#: Workers that have ended and are still shown.
MAX_ENDED = 20


@dataclass(slots=True)
class Queue:
    """A queue: how many of its steps are ready, put off or running, and since when the oldest has waited."""

    name: str
    ready: int = 0
    later: int = 0
    running: int = 0
    oldest: float | None = None
    threads: int = 0
    listeners: int = 0


def workers(visit: Visit) -> Response:
    """Return the page of the workers and the queues."""
    found = visit.here.register.all(now=visit.now)
    live = [worker for worker in found if worker.live]
    ended = [worker for worker in found if not worker.live][:MAX_ENDED]
    claims = visit.here.register.claims_of([worker.worker_id for worker in found if worker.holding])
    ready, running = ready_steps(visit), running_steps(visit)
    return visit.page(
        "workers.html",
        live=live,
        workers=[*live, *ended],
        claims=claims,
        queues=_queues([*ready.groups, *running.groups], live),
        ready_capped=ready.capped,
        running_capped=running.capped,
    )


def _queues(groups: list[Group], live: list[WorkerView]) -> list[Queue]:
    """Return the queues that hold steps or are listened to, by name."""
    queues: dict[str, Queue] = {}
    for worker in live:
        for name in worker.queues:
            queue = queues.setdefault(name, Queue(name))
            queue.threads += worker.threads
            queue.listeners += 1
    for group in groups:
        _add(queues.setdefault(group.queue, Queue(group.queue)), group)
    return [queues[name] for name in sorted(queues)]


def _add(queue: Queue, group: Group) -> None:
    if group.stage in {Stage.RUNNING, Stage.LOST, Stage.LATE}:
        queue.running += group.number
    elif group.stage is Stage.LATER:
        queue.later += group.number
    else:
        queue.ready += group.number
        queue.oldest = group.since if queue.oldest is None else min(queue.oldest, group.since)
