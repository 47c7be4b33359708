"""`questline workers`: the worker processes, alive and gone, and what they hold."""

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


def workers(invocation: Invocation) -> None:
    """List worker processes and the quests that they hold, newest first; ended ones stay in the list for a day."""
    now = invocation.now()
    found = invocation.register.all(now=now)
    claims = invocation.register.claims_of([worker.worker_id for worker in found if worker.holding])
    held = [(worker, claims.get(worker.worker_id, [])) for worker in found]
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
