"""`questline workers` and `queues`: the worker processes, and what waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from questline.cli import times
from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.invocation import Invocation
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from questline_persistence.recovery import ClaimView, WorkerView

#: Most quests that the table names of one worker; JSON names more.
MAX_NAMED = 3


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "workers", panel=panel, example="questline workers -o json")(workers)
    command(app, "queues", panel=panel, example="questline queues")(queues)


def workers(invocation: Invocation) -> None:
    """List worker processes and the quests that they hold, newest first; ended ones stay in the list for a day."""
    now = invocation.now()
    held = invocation.register.with_claims(now=now)
    invocation.answer_items(
        [worker.to_json(now, own) for worker, own in held],
        lambda: formatting.table(
            "Worker",
            "State",
            "Host",
            "PID",
            "Up",
            "Heartbeat",
            "Threads",
            "Holds",
            "Quests",
            "Queues",
            "Lords",
            rows=[_cells(worker, own, now) for worker, own in held],
            numbers=("PID", "Threads", "Holds"),
            spare=("Queues", "Threads", "Up", "Lords", "PID", "Quests", "Heartbeat"),
        ),
        empty="No worker has been seen. Start one: questline worker MODULE",
    )


def queues(invocation: Invocation) -> None:
    """List queues: what waits in each and for how long, what runs, and how many workers listen to it.

    Each number counts up to 20,000 steps.
    """
    from questline_persistence.records import Queues  # noqa: PLC0415  (200 ms that --help does not need)

    found = Queues(invocation.store, invocation.settings.namespace).all()
    numbers = ("Ready", "Later", "Running", "Paused", "Workers", "Threads")
    invocation.answer_items(
        [queue.to_json() for queue in found],
        lambda: formatting.table(
            *("Queue", "Ready", "Oldest", "Later", "Running", "Paused", "Workers", "Threads"),
            rows=[
                (
                    *(one.queue, one.ready, times.length(one.oldest_seconds), one.later, one.running, one.held),
                    *(one.workers, one.threads),
                )
                for one in found
            ],
            numbers=numbers,
            spare=("Threads", "Paused", "Later"),
        ),
        empty="No step waits in any queue, and no worker listens to one.",
    )


def _cells(worker: WorkerView, claims: Sequence[ClaimView], now: float) -> list[object]:
    """Return a worker as a row of the table."""
    return [
        worker.worker_id[:12],
        formatting.word(worker.state),
        worker.host,
        worker.pid,
        times.length(worker.up_seconds(now)),
        f"{times.length(worker.heartbeat_age_seconds(now))} ago",
        worker.threads,
        worker.holding,
        _named(worker, claims),
        ", ".join(worker.queues),
        _lords(worker.handlers),
    ]


def _named(worker: WorkerView, claims: Sequence[ClaimView]) -> str:
    """Return the first quests that a worker holds."""
    shown = ", ".join(shortened(claim.quest_id) for claim in claims[:MAX_NAMED])
    return f"{shown}, …" if worker.holding > MAX_NAMED else shown or "-"


def _lords(handlers: Sequence[str]) -> str:
    return f"{len(handlers)}: {', '.join(handlers)}" if handlers else "none"
