"""The workloads, by their keys; one module each."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.harness.bench import Bench
from benchmarks.harness.result import Result
from benchmarks.workloads import (
    age,
    backlog,
    calls,
    cost,
    distance,
    embedded,
    gateway,
    handover,
    held,
    length,
    memory,
    remembering,
    submission,
    throughput,
    waiting,
    wake,
)

WORKLOADS: dict[str, Callable[[Bench], Result]] = {
    "W1": throughput.measure,
    "W2": handover.measure,
    "W3": length.measure,
    "W4": submission.measure,
    "W5": wake.measure,
    "W6": age.measure,
    "W7": embedded.measure,
    "W8": backlog.measure,
    "W9": distance.measure,
    "W10": waiting.measure,
    "W11": cost.measure,
    "W12": held.measure,
    "W14": remembering.measure,
    "W15": calls.measure,
    "W17": gateway.measure,
    "MEMORY": memory.measure,
}
