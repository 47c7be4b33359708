"""Ends of steps that somebody's lock holds up: one thread tries them again and again, so that they hold no other one.

What a step saves or adds to may be locked for long, by a transaction that somebody keeps open. Its end then waits here,
under its claim; nothing of it is written, and its handler is not called again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from structlog.contextvars import bind_contextvars, reset_contextvars

from questline_persistence.claims import Checkpoint, Claim, Settled, Succeeded
from questline_persistence.dialects import Overtime
from questline_persistence.log import get_logger
from questline_persistence.schema import quests
from questline_persistence.writes import Pushes, Remembered, Saves
from questline_worker.steps.running import ids_of

log = get_logger(__name__)

#: Most ends that wait here, since each holds what its step writes.
MAX_HELD = 256
#: Seconds between two rounds in which nothing went on; each try waits for its lock besides.
PAUSE = 0.1
#: Seconds without an end after which the thread ends.
IDLE_SECONDS = 10.0

#: What ends that wait for the same have in common.
_Heads = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _End:
    """How a step has ended, and its claim."""

    claim: Claim
    outcome: Succeeded


class HeldEnds:
    """Writes ends of steps that were held up.

    Of ends that write the same shared keys only one is tried in a round: what holds it up holds up the others.

    Parameters:
      write: commits what came of a claim; raises `Overtime` where a lock holds it up.
      settled: told of each end that is written, with what became of it or the error that it met.
    """

    def __init__(
        self,
        write: Callable[[Claim, Succeeded], Settled],
        settled: Callable[[Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]], object],
    ) -> None:
        self._write = write
        self._settled = settled
        self._waiting: dict[_Heads, deque[_End]] = {}
        self._changed = threading.Condition()
        self._running = False

    def holds_up(self, claim: Claim, outcome: Succeeded) -> bool:
        """Tell whether the end of another step waits that writes the same, so that this one's would only wait too."""
        return bool(self._waiting and outcome.also) and _heads(claim, outcome) in self._waiting

    def take(self, claim: Claim, outcome: Succeeded) -> bool:
        """Take an end that a lock holds up; return False, and leave it, where too many wait already."""
        with self._changed:
            if sum(map(len, self._waiting.values())) >= MAX_HELD:
                return False
            if not self._running:
                threading.Thread(target=self._run, name="questline-held", daemon=True).start()
                self._running = True
            self._waiting.setdefault(_heads(claim, outcome), deque()).append(_End(claim, outcome))
            self._changed.notify()
        log.info("end_held_up", **ids_of(claim), lord=claim.lord_name)
        return True

    def _run(self) -> None:
        while heads := self._next_round():
            moved = [self._try_first(each) for each in heads]
            if not any(moved):
                with self._changed:
                    self._changed.wait(PAUSE)

    def _next_round(self) -> list[_Heads]:
        """Return what ends wait for; nothing when there has been none for long, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, IDLE_SECONDS)
            self._running = bool(self._waiting)
            return [*self._waiting]

    def _try_first(self, heads: _Heads) -> bool:
        """Write the first end that waits for something; return False where it is still held up."""
        end = self._waiting[heads][0]
        result: Settled | BaseException
        tokens = bind_contextvars(**ids_of(end.claim))
        try:
            result = self._write(end.claim, end.outcome)
        except Overtime:
            self._waiting[heads].rotate(-1)  # it may have been its own quest that was locked
            return False
        except BaseException as error:  # noqa: BLE001  (it is told; the thread must live)
            result = error
        finally:
            reset_contextvars(**tokens)
        with self._changed:
            self._waiting[heads].popleft()
            if not self._waiting[heads]:
                del self._waiting[heads]
        try:
            self._settled([(Checkpoint(end.claim, end.outcome, end.claim.time()), result)])
        except Exception:
            log.exception("settling_failed", items=1)  # as above
        return True


def _heads(claim: Claim, outcome: Succeeded) -> _Heads:
    """Return the keys for which the end of a step may wait as others do: those that are no quest's own.

    Where it writes none of these, it waits for its quest alone.
    """
    shared = [write for write in outcome.also if not isinstance(write, Pushes) and write.owner is None]
    return frozenset(map(_head, shared)) or frozenset({(quests.name, claim.quest_id)})


def _head(write: Remembered) -> tuple[str, str]:
    if isinstance(write, Saves):
        return write.kind.heads, write.key.name
    if write.kind.stream is None:
        return write.kind.table, write.entry_id
    return write.kind.stream.of.heads, str(write.stream)
