"""Processor time: what a step costs, whoever else is busy on the machine at that moment."""

from __future__ import annotations

from collections.abc import Iterable

import psutil  # type: ignore[import-untyped]  # it ships no annotations


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return how long these processes have been on a processor, all together; those that have ended count nothing."""
    return sum(_seconds(process) for process in processes)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
