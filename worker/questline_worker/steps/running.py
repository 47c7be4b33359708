"""The steps that this process runs at the moment, and whether their claims still hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from questline_persistence.claims import Claim, OnceRecord, Progress
from questline_persistence.clock import uptime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.recovery import Register

log = get_logger(__name__)

#: Commits what a call within a step came to; tells whether the step's claim still held.
Recorder: TypeAlias = Callable[[OnceRecord], bool]
#: Seconds between two looks into the store for whether one step's claim still holds.
LOOK_SECONDS = 1.0


def ids_of(claim: Claim) -> dict[str, str]:
    """Return what tells a step in the log."""
    return {"quest_id": claim.quest_id, "position": claim.position, "claim_id": claim.claim_id}


class Cancellable(Protocol):
    """A coroutine under way."""

    def cancel(self) -> object:
        """Ask it to stop."""


class RunningStep:
    """One step that a thread or a coroutine of this process works on.

    Parameters:
      claim: the hold on the step.
      look: asks the store whether a claim still holds.
      after: the step of the same quest that it follows at once, or None.
      record: commits what a call within the step came to; tells whether the claim still held.
    """

    def __init__(
        self,
        claim: Claim,
        look: Callable[[Claim], bool],
        after: RunningStep | None = None,
        record: Recorder | None = None,
    ) -> None:
        self.claim = claim
        self._record = record
        self._settling = False
        self._look = look
        self.begun = time.monotonic()
        # The clock that also runs while the machine is suspended: then others take the step.
        self._looked_at = uptime()
        #: How many steps its quest has run one right after the other.
        self.streak: int = 0 if after is None else after.streak
        #: For how many seconds they have run.
        self.spent: float = 0.0 if after is None else after.spent
        self._lost = False
        #: When the claim was lost, by the monotonic clock; meaningless before.
        self.lost_at = 0.0
        self._coroutine: Cancellable | None = None
        self._untold: Progress | None = None

    def note_run(self, seconds: float) -> None:
        """Count the step among those that its quest has run, once its handler was called, for so many seconds."""
        self.streak, self.spent = self.streak + 1, self.spent + seconds

    def settle(self) -> None:
        """Note that this process is about to end the claim: from now on it goes by our own commit."""
        self._settling = True

    @property
    def settling(self) -> bool:
        """Whether this process is about to end the claim."""
        return self._settling

    def tell(self, fraction: float, message: str) -> None:
        """Keep how far the step is until the next heartbeat asks; what was said before is forgotten."""
        self._untold = Progress(self.claim.quest_id, self.claim.claim_id, float(fraction), message)

    def take_untold(self) -> Progress | None:
        """Return how far the step has said to be since the last time somebody asked, if it has."""
        untold, self._untold = self._untold, None
        return untold

    def record_once(self, record: OnceRecord) -> bool:
        """Commit what a call within the step came to; return whether the claim still holds, and note if it does not.

        Raises:
          RuntimeError: the step was made without a journal.
        """
        if self._record is None:
            raise RuntimeError("this step was made without a journal, so it records nothing")
        kept = self._record(record)
        if not kept:
            self.lose()
        return kept

    def still_held(self) -> bool:
        """Return whether the claim still holds; asks the store once a second at most.

        A coroutine goes by the heartbeat alone: a look would hold up all others on the event loop.
        """
        now = uptime()
        if not self._lost and self._coroutine is None and now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if not self._look(self.claim):
                self.lose()
        return not self._lost

    def lose(self) -> None:
        """Note that the claim is gone, and cancel the coroutine if there is one."""
        if not self._lost:
            log.warning(
                "claim_lost", quest_id=self.claim.quest_id, position=self.claim.position, claim_id=self.claim.claim_id
            )
            self.let_go()

    def let_go(self) -> None:
        """Note that this process has given the claim back, and cancel the coroutine if there is one."""
        if not self._lost:
            self._lost = True
            self.lost_at = time.monotonic()
            if self._coroutine is not None:
                self._coroutine.cancel()

    @property
    def lost(self) -> bool:
        """Whether the claim is known to be gone."""
        return self._lost

    def cancel_with(self, coroutine: Cancellable) -> None:
        """Have `coroutine` cancelled when the claim is lost."""
        self._coroutine = coroutine
        if self._lost:
            coroutine.cancel()


class RunningSteps:
    """All steps that this process runs.

    Parameters:
      register: knows which claims the store still sees with this process.
      record: commits what calls within steps come to, each under its step's claim.
    """

    def __init__(self, register: Register, record: Recorder | None = None) -> None:
        self._register = register
        self._record = record
        self._steps: dict[str, RunningStep] = {}
        self._expected: set[str] = set()
        self._unknown: set[str] = set()
        self._fenced = 0
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, claim: Claim) -> Iterator[RunningStep]:
        """List `claim` as running for as long as the block lasts."""
        step = self.begin(claim)
        try:
            yield step
        finally:
            self.end(claim)

    @contextmanager
    def expecting(self, claim_id: str) -> Iterator[None]:
        """Expect a claim for as long as the block lasts."""
        self.expect(claim_id)
        try:
            yield
        finally:
            self.forget(claim_id)

    def expect(self, claim_id: str) -> None:
        """Take a claim for none that is left over until `forget`: it is about to be listed, if it wins."""
        self._expected.add(claim_id)

    def forget(self, claim_id: str) -> None:
        """Expect a claim no longer: it is listed by now, or was not won."""
        self._expected.discard(claim_id)

    def begin(self, claim: Claim, after: RunningStep | None = None) -> RunningStep:
        """List `claim` as running until `end`; `after` is the step that it follows at once."""
        step = self._steps[claim.claim_id] = RunningStep(claim, self._look, after, self._record)
        return step

    def end(self, claim: Claim) -> None:
        """Take `claim` off the list."""
        self._steps.pop(claim.claim_id, None)

    def __len__(self) -> int:
        """Return how many steps run now."""
        return len(self._steps)

    def all(self) -> list[RunningStep]:
        """Return the steps that run now."""
        with self._lock:
            return [*self._steps.values()]

    def note_fenced(self) -> None:
        """Count a result that came too late."""
        with self._lock:
            self._fenced += 1

    def take_fenced(self) -> int:
        """Return how many results came too late since the last time somebody asked."""
        with self._lock:
            fenced, self._fenced = self._fenced, 0
        return fenced

    def take_progress(self) -> list[Progress]:
        """Return how far the steps that run now have said to be since the last time somebody asked."""
        return [told for step in self.all() if (told := step.take_untold()) is not None]

    def check(self, worker_id: str) -> set[str]:
        """Find out, with one look into the store, which claims are gone, and which nobody here knows.

        Parameters:
          worker_id: the name under which this process claims now.

        Returns:
          The claims that the store has seen with this process at two checks, and that do not run here: what is left
          of a claim whose reply never arrived, or of a thread that died.
        """
        running = self.all()  # before the look: a claim listed here is committed, so that the look must see it
        held = self._register.held(sorted({worker_id, *(step.claim.worker_id for step in running)}))
        for step in running:
            if step.claim.claim_id not in held:
                self._lose_if_running(step)
        with self._lock:
            unknown = held - self._steps.keys() - self._expected
        strays, self._unknown = unknown & self._unknown, unknown
        return strays

    def _lose_if_running(self, step: RunningStep) -> None:
        with self._lock:
            running = step.claim.claim_id in self._steps and not step.settling
        if running:
            step.lose()

    def _look(self, claim: Claim) -> bool:
        try:
            return self._register.holds(claim.quest_id, claim.claim_id)
        except StoreUnavailable:
            return True
