"""The executor: runs quests in the process that awaits them, with the actor and the middleware of a worker.

It imports `process`, the rooms below it, and the scheduler's clients.
"""

from questline_worker.executor.executor import QuestExecutor
from questline_worker.lords import ExecutionHooks

__all__ = ["ExecutionHooks", "QuestExecutor"]
