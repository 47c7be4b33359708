"""A kit for testing Lords, for users: one step, or a whole quest, in the test's own process and in memory.

`questline` itself does not import it.
"""

from questline_worker.testing import Outcome, StagedExecutor, crash, own_registrations, run_quest, run_step

__all__ = ["Outcome", "StagedExecutor", "crash", "own_registrations", "run_quest", "run_step"]
