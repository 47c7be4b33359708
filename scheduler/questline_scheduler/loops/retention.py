"""The retention: removes quests that have ended, and are kept no longer, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

from questline_persistence.clock import Clock
from questline_persistence.controls import Removal
from questline_persistence.settings import RetentionRule

#: Most quests that one transaction removes: a checkpoint on SQLite waits no longer than that takes.
AT_ONCE = 20
#: Seconds until the next look where there was nothing to remove, and where there was.
REST_SECONDS, NEXT_SECONDS = 60.0, 0.5


class Retention:
    """Removes quests by rules.

    Parameters:
      removal: removes them, and notes that in the audit.
      clock: the database's.
      rules: which quests are kept how long.
    """

    name = "retention"

    def __init__(self, removal: Removal, clock: Clock, rules: Sequence[RetentionRule]) -> None:
        self.interval = NEXT_SECONDS
        self._removal = removal
        self._clock = clock
        self._rules = rules

    def run_once(self, *, now: float | None = None) -> int:
        """Remove a few quests of the first rule that has any; return how many these were.

        Parameters:
          now: the time to go by, in epoch seconds; None asks the database.

        Raises:
          StoreUnavailable: the store did not answer.
        """
        at = self._clock.now() if now is None else now
        for rule in self._rules:
            if gone := self._removal.retain(rule, now=at, limit=AT_ONCE):
                self.interval = NEXT_SECONDS
                return len(gone)
        self.interval = REST_SECONDS
        return 0
