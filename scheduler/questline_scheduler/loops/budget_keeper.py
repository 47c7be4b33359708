"""The keeper of budgets: pauses quests whose type or namespace has used its budget up, before they spend more of it."""

from __future__ import annotations

from questline_persistence.costs import Spending


class BudgetKeeper:
    """Pauses what may spend no more.

    Parameters:
      spending: knows which quests that are.
    """

    name = "budgets"
    interval = 5.0

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    def run_once(self, *, now: float | None = None) -> int:  # noqa: ARG002  (what is spent does not go by time)
        """Pause what is to be paused, and return how many quests that were."""
        return self._spending.hold()
