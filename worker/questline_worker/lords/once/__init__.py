"""What runs once within a step: calls by name, their order, and how each is tried.

It imports `lords.outcomes`, and the floors below.
"""

from questline_worker.lords.once.once_calls import OnceCalls
from questline_worker.lords.once.own_task import mark_own_task

__all__ = ["OnceCalls", "mark_own_task"]
