"""Tells of every step and quest in the log, for people who develop; a busy pool would drown in it."""

from __future__ import annotations

import time

from questline_persistence.claims import Claim, Outcome, Succeeded
from questline_persistence.log import get_logger
from questline_persistence.states import ExecutionStatus

log = get_logger(__name__)


class Narration:
    """What a process calls as its steps go on."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}

    def step_started(self, claim: Claim) -> None:
        """Tell of a step about to run."""
        self._begun[claim.claim_id] = time.monotonic()
        log.info("step_started", **_named(claim), attempt=claim.attempt)

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Tell of a step that has run, and how long it took."""
        begun = self._begun.pop(claim.claim_id, None)
        seconds = None if begun is None else round(time.monotonic() - begun, 3)
        log.info("step_ended", **_named(claim), outcome=_in_a_word(outcome), seconds=seconds)

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """Say nothing of commits."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Tell of a quest that this step's end has brought to another status."""
        log.info("quest_changed", quest_id=claim.quest_id, quest_type=claim.quest_type, status=str(status))


def _named(claim: Claim) -> dict[str, str]:
    return {"quest_id": claim.quest_id, "position": claim.position, "lord": claim.lord_name, "tool": claim.tool_name}


def _in_a_word(outcome: Outcome) -> str:
    return "success" if isinstance(outcome, Succeeded) else type(outcome).__name__.lower()
