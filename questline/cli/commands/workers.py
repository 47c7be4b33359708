"""`questline workers`: the worker processes, alive and gone, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from questline.cli import times
from questline.cli.command import command
from questline.cli.display import pictures
from questline.cli.invocation import Invocation

#: Most quests that the table names of one worker; JSON names more.
MAX_NAMED = 3

Row = Mapping[str, Any]


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "workers", panel=panel, example="questline workers -o json")(workers)


def workers(invocation: Invocation) -> None:
    """List worker processes and the quests that they hold, newest first; those that ended stay listed for a day."""
    now = invocation.now()
    found = invocation.register.all(now=now)
    claims = invocation.register.claims_of([str(row["worker_id"]) for row in found if row["holding"]])
    items = [_item(row, claims.get(str(row["worker_id"]), []), now) for row in found]
    invocation.answer_items(
        items,
        lambda: pictures.table(
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
            rows=[_cells(item) for item in items],
            numbers=("PID", "Threads", "Holds"),
            spare=("Queues", "Threads", "Up", "Lords", "PID", "Quests", "Heartbeat"),
        ),
        empty="No worker has been seen. Start one: questline worker MODULE",
    )


def _item(row: Row, claims: Sequence[Row], now: float) -> dict[str, Any]:
    """Return a worker as JSON."""
    return {
        "worker_id": row["worker_id"],
        "namespace": row["namespace"],
        "state": row["state"],
        "host": row["host"],
        "pid": row["pid"],
        "process_id": row["process_id"],
        "started_at": times.stamped(row["started_at"]),
        "ended_at": times.stamped(row["ended_at"]),
        "up_seconds": (row["ended_at"] or now) - row["started_at"],
        "heartbeat_at": times.stamped(row["heartbeat_at"]),
        "heartbeat_age_seconds": max(now - row["heartbeat_at"], 0.0),
        "lease_ends_at": times.stamped(row["lease_until"]),
        "threads": row["threads"],
        "queues": row["queues"],
        "handlers": row["handlers"],
        "code_version": row["code_version"],
        "holding": row["holding"],
        "claims": [{**claim, "claimed_at": times.stamped(claim["claimed_at"])} for claim in claims],
    }


def _cells(item: Row) -> list[object]:
    """Return a worker as a row of the table."""
    return [
        str(item["worker_id"])[:12],
        pictures.word(item["state"]),
        item["host"],
        item["pid"],
        times.length(item["up_seconds"]),
        f"{times.length(item['heartbeat_age_seconds'])} ago",
        item["threads"],
        item["holding"],
        _named(item),
        ", ".join(item["queues"]),
        _lords(item["handlers"]),
    ]


def _named(item: Row) -> str:
    """Return the first quests that a worker holds."""
    shown = ", ".join(claim["quest_id"] for claim in item["claims"][:MAX_NAMED])
    return f"{shown}, …" if item["holding"] > MAX_NAMED else shown or "-"


def _lords(handlers: Sequence[str]) -> str:
    return f"{len(handlers)}: {', '.join(handlers)}" if handlers else "none"
