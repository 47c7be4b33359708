"""A kit for testing Lords: one step, or a whole quest, run in the process that asks, on a store in memory.

It imports `executor`, the rooms below it, and the floors below. It decides nothing by itself: the journal, the pipeline
and the store are those of a worker.
"""

from questline_worker.testing.one_step import run_step
from questline_worker.testing.outcome import Outcome
from questline_worker.testing.registrations import own_registrations
from questline_worker.testing.stage import crash
from questline_worker.testing.staged_executor import StagedExecutor
from questline_worker.testing.whole_quest import run_quest

__all__ = ["Outcome", "StagedExecutor", "crash", "own_registrations", "run_quest", "run_step"]
