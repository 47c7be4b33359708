"""Counts steps for the metrics, as they go on."""

from __future__ import annotations

from typing import assert_never

from questline_persistence.claims import Claim, Dropped, Failed, GivenBack, Outcome, Snoozed, Succeeded
from questline_persistence.states import ExecutionStatus
from questline_scheduler.monitoring import CHECKPOINT_SECONDS, QUESTS, RETRIES, STEP_SECONDS, STEPS, Tally


class StepCounts:
    """What a process calls as its steps go on.

    Parameters:
      tally: where it counts.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def step_started(self, claim: Claim) -> None:
        """Count nothing yet."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Count an attempt by how it has ended, and how long it took."""
        lord, tool = claim.lord_name, claim.tool_name
        self._tally.count(STEPS, lord, tool, _in_a_word(outcome))
        self._tally.observe(STEP_SECONDS, claim.time() - claim.start_time, lord, tool)
        if isinstance(outcome, Failed) and outcome.retry_in is not None:
            self._tally.count(RETRIES, lord, tool)

    def step_settled(self, claim: Claim, seconds: float) -> None:  # noqa: ARG002  (as all hooks are called)
        """Count how long a commit took."""
        self._tally.observe(CHECKPOINT_SECONDS, seconds)

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Count a quest by its type and new status."""
        self._tally.count(QUESTS, claim.quest_type, str(status))


def _in_a_word(outcome: Outcome) -> str:
    match outcome:
        case Succeeded():
            return "success"
        case Failed(retry_in=None):
            return "failed"
        case Failed():
            return "retried"
        case Snoozed():
            return "snoozed"
        case GivenBack():
            return "returned"
        case Dropped():
            return "dropped"
        case _:
            assert_never(outcome)
