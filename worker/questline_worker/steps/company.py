"""The company in which suspects run: steps whose worker died while it ran others too.

Each of them may be the one that kills its process. So they begin few at a time, with a heartbeat after each few, which
tells them from those that had begun before; and beside no more steps than each may have. Nothing else begins meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from questline_persistence.claims import Claim
from questline_persistence.log import get_logger
from questline_persistence.suspicion import most, together
from questline_scheduler.doorbells import PATIENCE_SECONDS, FreeThreads
from questline_scheduler.loops import Loop
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: How long nobody else begins after a suspect, in seconds: most of those that kill their process do so within it.
TRIAL_SECONDS = 0.25
#: How long a suspect keeps others away, in seconds: it may be waiting for them, as a step does that awaits a quest.
#: With each further worker that it has lost it keeps them away four times as long, up to the longest: who kills slowly,
#: as one whose memory grows, is found out only if it still runs alone by then.
APART_SECONDS, LONGEST_APART = 30.0, 600.0
#: One that is to run alone lets others go first that begin one soon after the other, but not for ever, in seconds.
COURTESY_GAP, COURTESY_SECONDS = 3.0, 30.0
#: How long a process stays closed at first until it runs few enough steps for a suspect, in seconds; then it is open
#: for as long as it was closed, and the next time it stays closed for twice as long, up to the longest.
FIRST_PATIENCE, LONGEST_PATIENCE = 60.0, 240.0
#: Seconds between two looks for whether a suspect that waits has been begun elsewhere.
LOOK_SECONDS = 1.5


class Company:
    """Says when a step may begin here, for as long as suspects run, or wait to.

    Parameters:
      running: the steps that run here.
      beat: prolongs the lease, so that what begins from now on is told from what runs already.
      threads: what the process's consumers fetch for.
      stopping: tells whether the process is about to end.
    """

    name = "company"
    interval = 0.1

    def __init__(
        self,
        running: RunningSteps,
        beat: Callable[[], object],
        threads: FreeThreads,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        #: Whether a suspect runs here, or waits to: then each step takes its `turn` to be claimed.
        self.careful = False
        self._running = running
        self._beat = beat
        self._threads = threads
        self._stopping = stopping
        self._turn = threading.Lock()
        self._changing = threading.RLock()
        self._older: set[str] = set()
        self._waiting = False
        self._patience, self._open_until = FIRST_PATIENCE, 0.0
        self._polite_since: float | None = None
        self._loop = Loop(self)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Let nobody else claim for as long as the block lasts; it is told whether its turn came soon."""
        mine = self._turn.acquire(timeout=PATIENCE_SECONDS)
        try:
            if mine:
                self._take_care()
            yield mine
        finally:
            if mine:
                self._turn.release()

    def opens(self) -> bool:
        """Return whether one more step may begin; wait for it a little."""
        return self._wait(None, PATIENCE_SECONDS)

    def lets_begin(self, claim: Claim, wanted: Callable[[], bool]) -> bool:
        """Wait until the suspect that was claimed may begin, and fetch nothing until then; return whether it may.

        Parameters:
          claim: the claim, which has been given back: others may run the step sooner.
          wanted: asks whether the step still waits.
        """
        began = time.monotonic()
        if began < self._open_until or self._is_courteous(claim, began):
            return self._may_begin(claim)
        self._waiting = True
        try:
            if self._wait(claim, self._patience, wanted):
                self._patience, self._polite_since = FIRST_PATIENCE, None
                return True
            waited = time.monotonic() - began
            if waited >= self._patience:
                self._patience = min(2 * self._patience, LONGEST_PATIENCE)
                self._open_until = time.monotonic() + waited
                log.warning("suspect_put_off", quest_id=claim.quest_id, position=claim.position, waited=round(waited))
            return False
        finally:
            self._waiting = False

    def admits(self, step: RunningStep) -> bool:
        """Return whether a step that was just claimed may begin."""
        return not step.claim.lost or self._may_begin(step.claim, itself=step)

    def run_once(self, *, now: float | None = None) -> None:  # noqa: ARG002  (it goes by the process's own clock)
        """Fetch while a step may begin, and be careful no longer than a suspect is here."""
        may_begin = self._may_begin(None) and not self._waiting
        with self._changing:
            suspects = self._waiting or bool(_suspects(self._others()))
            self._threads.pause(paused=suspects and not may_begin)
            if not suspects and not self._turn.locked():
                self.careful = False
                self._loop.stop()

    def _is_courteous(self, claim: Claim, now: float) -> bool:
        """Return whether others may go before a suspect that is to run alone: the process would have to be empty."""
        latest = max((step.begun for step in self._others()), default=0.0)
        if claim.company > 1 or now - latest > COURTESY_GAP:
            return False
        self._polite_since = self._polite_since or now
        return now - self._polite_since < COURTESY_SECONDS

    def _take_care(self) -> None:
        with self._changing:
            if not self.careful:
                self._older = set()
                self.careful = True
                self._loop.start()

    def _wait(self, claim: Claim | None, seconds: float, wanted: Callable[[], bool] = lambda: True) -> bool:
        now = time.monotonic()
        until, look_at = now + seconds, now + LOOK_SECONDS
        while not self._may_begin(claim):
            now = time.monotonic()
            if now >= until or self._stopping() or (now >= look_at and not wanted()):
                return False
            look_at = now + LOOK_SECONDS if now >= look_at else look_at
            time.sleep(0.02)
        return True

    def _may_begin(self, claim: Claim | None, *, itself: RunningStep | None = None) -> bool:
        """Return whether the step of a claim, or one that is no suspect, may begin beside those that run."""
        others = [step for step in self._others() if step is not itself]
        suspects = _suspects(others) + ([claim] if claim else [])
        limits = [limit for each in suspects if (limit := most(each.lost, each.company)) is not None]
        if len(others) >= min(limits, default=len(others) + 1):
            return False
        fresh = self._fresh(others) if suspects else []
        trials = [*(step.claim for step in fresh if step.claim.lost), *([claim] if claim else [])]
        return len(fresh) < min((together(each.lost, each.company) for each in trials), default=len(fresh) + 1)

    def _others(self) -> list[RunningStep]:
        return [step for step in self._running.all() if not step.lost]

    def _fresh(self, others: list[RunningStep]) -> list[RunningStep]:
        """Return those that have begun since the last heartbeat; once they have run for a while there is another."""
        fresh = [step for step in others if step.claim.claim_id not in self._older]
        if fresh and time.monotonic() - max(step.begun for step in fresh) >= TRIAL_SECONDS:
            self._beat()
            self._older = {step.claim.claim_id for step in others}
            return []
        return fresh


def _suspects(steps: Sequence[RunningStep]) -> list[Claim]:
    """Return the claims of the suspects among these steps, but for those that have kept others away for long enough."""
    now = time.monotonic()
    return [step.claim for step in steps if step.claim.lost and now - step.begun < _apart(step.claim.lost)]


def _apart(lost: int) -> float:
    """Return how long one keeps others away that has lost so many workers, in seconds."""
    return min(APART_SECONDS * 4.0 ** (lost - 1), LONGEST_APART)
