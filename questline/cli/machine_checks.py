"""What `questline doctor` looks at on this machine: Python, versions, settings, the disk."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from questline.cli.check import Check, passed, warned
from questline.cli.config import shown_settings
from questline.cli.invocation import Invocation

#: Free space on the disk of an SQLite file below which doctor warns, in bytes.
LITTLE_SPACE = 500_000_000
#: Libraries whose versions explain most surprises.
_LIBRARIES = ("dramatiq", "sqlalchemy", "redis", "psycopg", "pydantic")


def check_versions() -> Iterator[Check]:
    """Yield the versions of Python, questline and its main libraries."""
    yield passed("python", "python", f"{platform.python_version()} at {sys.executable}")
    yield passed("python", "questline", version("questline"))
    yield passed("python", "libraries", ", ".join(f"{name} {version(name)}" for name in _LIBRARIES))


def check_settings(invocation: Invocation) -> Iterator[Check]:
    """Yield the settings that do not have their default value, and where it comes from."""
    changed = [row for row in shown_settings(invocation) if row["origin"] != "default"]
    for row in changed:
        yield passed("settings", row["name"], f"{row['value']} (from {row['origin']})")
    if not changed:
        yield passed("settings", "all", "defaults")


def check_disk(invocation: Invocation) -> Iterator[Check]:
    """Yield how much room the disk of an SQLite file has."""
    database = invocation.database
    if database.dialect != "sqlite":
        return
    file = Path(database.url.database or ".").absolute()
    place = next(parent for parent in file.parents if parent.exists())
    free = shutil.disk_usage(place).free
    message = f"{free / 1e9:.1f} GB free at {place}"
    if free < LITTLE_SPACE:
        yield warned("disk", "space", message, "make room: a full disk stops all quests until there is some")
    else:
        yield passed("disk", "space", message)
