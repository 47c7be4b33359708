"""The commands, one file each, named for what people type.

They import the frame around them, and each other where one does another's work; `doctor` uses what three of them know.
"""

from questline.cli.commands import (
    batch,
    config,
    db,
    delete,
    demo,
    dev,
    gateway,
    list,  # noqa: A004  (named for its command)
    replay,
    runs,
    scheduler,
    show,
    snapshots,
    stats,
    steering,
    submit,
    wait,
    worker,
    workers,
)
from questline.cli.commands.config import masked, shown_settings
from questline.cli.commands.db import require_head

__all__ = [
    "batch",
    "config",
    "db",
    "delete",
    "demo",
    "dev",
    "gateway",
    "list",
    "masked",
    "replay",
    "require_head",
    "runs",
    "scheduler",
    "show",
    "shown_settings",
    "snapshots",
    "stats",
    "steering",
    "submit",
    "wait",
    "worker",
    "workers",
]
