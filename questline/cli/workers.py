"""`questline workers`: the worker processes, alive and gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from questline.cli import pictures, times
from questline.cli.command import command
from questline.cli.invocation import Invocation


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "workers", panel=panel, example="questline workers -o json")(workers)


def workers(invocation: Invocation) -> None:
    """List worker processes, newest first; those that ended stay listed for a day."""
    now = invocation.now()
    found = [dict(row) for row in invocation.register.all(now=now)]
    invocation.answer_items(
        found,
        lambda: pictures.table(
            "Worker",
            "State",
            "Host",
            "PID",
            "Up",
            "Threads",
            "Holds",
            "Queues",
            "Lords",
            rows=[_row(row, now) for row in found],
            numbers=("PID", "Threads", "Holds"),
        ),
        empty="No worker has been seen. Start one: questline worker MODULE",
    )


def _row(row: Mapping[str, Any], now: float) -> list[object]:
    return [
        str(row["worker_id"])[:12],
        pictures.word(row["state"]),
        row["host"],
        row["pid"],
        times.length((row["ended_at"] or now) - row["started_at"]),
        row["threads"],
        row["holding"],
        ", ".join(row["queues"]),
        ", ".join(row["handlers"]) or "none",
    ]
