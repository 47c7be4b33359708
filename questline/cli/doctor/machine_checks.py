"""What `questline doctor` looks at on this machine: Python, versions, settings."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version

from questline.cli.commands import shown_settings
from questline.cli.doctor.check import Check, passed
from questline.cli.invocation import Invocation

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
