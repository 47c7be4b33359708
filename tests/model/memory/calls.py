"""One step that makes two calls once, while workers freeze or die, and a replay has it run again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple

from questline_persistence.states import TicketState
from tests.model.memory.model import Model, Move, left, put

CALLS = (0, 1)

AGAIN = "I30 a recorded call never runs again under a claim that holds its step"
FENCED = "I30 no record is made by a claim that was gone"
ANEW = "a replay makes its calls anew"


class Phase(StrEnum):
    """How far an attempt has come with its present call."""

    READING = "reading"
    ASKING = "asking"
    CALLED = "called"
    CHECKED = "checked"  # a mutant: it has seen that its claim holds, and has not written yet


class Record(NamedTuple):
    """What one call came to."""

    epoch: int
    call: int


class Attempt(NamedTuple):
    """A handler that runs, or ran before its worker froze; what it has read of records; and which call is its next."""

    claim: int
    epoch: int
    phase: Phase = Phase.READING
    read: frozenset[Record] = frozenset()
    call: int = 0


class World(NamedTuple):
    """The step's ticket and epoch, its records, who is at it, and what may still strike.

    `early` is what a mutant has read before it claims the step.
    """

    ticket: TicketState | None = TicketState.READY
    claim: int = 0  # the newest
    epoch: int = 0
    records: frozenset[Record] = frozenset()
    attempts: tuple[Attempt, ...] = ()
    early: frozenset[Record] | None = None
    sweeps: int = 1
    deaths: int = 1
    replays: int = 1


class Calls(Model[World]):
    """A step of two calls with a sweep too many, a dead worker and a replay."""

    guards: ClassVar[Mapping[str, str]] = {
        "once.claim": FENCED,  # nothing is recorded for a claim that is gone
        "once.lock": FENCED,  # the claim is asked for under a lock of the ticket, which lasts to the commit
        "once.read": AGAIN,  # what is recorded is read after the claim
        "once.epoch": ANEW,  # the epoch is a part of a record's key
    }

    def starts(self) -> Iterable[World]:
        return (World(),)

    def rests(self, world: World) -> bool:
        return world.ticket is None

    def moves(self, world: World) -> Iterator[Move[World]]:
        yield from self._of_others(world)
        for number, attempt in enumerate(world.attempts):
            ended = world._replace(attempts=left(world.attempts, number))
            if world.deaths:
                dead = ended._replace(deaths=world.deaths - 1)
                yield Move(f"the worker of claim {attempt.claim} dies", dead, helps=False)
            match attempt.phase:
                case Phase.READING:
                    read = world.early if world.early is not None else world.records
                    asking = attempt._replace(phase=Phase.ASKING, read=read)
                    yield Move(f"claim {attempt.claim} reads", _with(world._replace(early=None), number, asking))
                case Phase.ASKING if attempt.call == len(CALLS):
                    done = ended._replace(ticket=None) if _holds(world, attempt) else ended
                    yield Move(f"claim {attempt.claim} commits its result", done)
                case Phase.ASKING:
                    yield self._ask(world, number, attempt)
                case Phase.CALLED | Phase.CHECKED:
                    yield self._record(world, number, attempt, ended)

    def _of_others(self, world: World) -> Iterator[Move[World]]:
        """Yield what workers, sweeps and an admin may do."""
        if world.ticket is TicketState.READY:
            claim = world.claim + 1
            attempts = (*world.attempts, Attempt(claim, world.epoch))
            yield Move(f"claim {claim}", world._replace(ticket=TicketState.RUNNING, claim=claim, attempts=attempts))
        elif world.ticket is TicketState.RUNNING:
            ready = world._replace(ticket=TicketState.READY)
            if world.claim not in {attempt.claim for attempt in world.attempts}:
                yield Move("a sweep of the dead", ready)
            elif world.sweeps:
                yield Move("a sweep of the frozen", ready._replace(sweeps=world.sweeps - 1), helps=False)
        if world.replays:
            again = world._replace(ticket=TicketState.READY, epoch=world.epoch + 1, replays=world.replays - 1)
            yield Move("a replay", again, helps=False)
        if not self.keeps("once.read") and world.early is None and world.ticket is not None:
            yield Move("somebody reads who will claim the step", world._replace(early=world.records), helps=False)

    def _ask(self, world: World, number: int, attempt: Attempt) -> Move[World]:
        """Serve a call that the attempt has read the record of, else make it."""
        mine = Record(attempt.epoch, attempt.call)
        seen = attempt.read if self.keeps("once.epoch") else {Record(attempt.epoch, one.call) for one in attempt.read}
        if mine in seen:
            breaks = None if mine in world.records else ANEW
            served = _with(world, number, attempt._replace(call=attempt.call + 1))
            return Move(f"claim {attempt.claim} is served call {attempt.call}", served, breaks=breaks)
        breaks = AGAIN if mine in world.records and _holds(world, attempt) else None
        called = _with(world, number, attempt._replace(phase=Phase.CALLED))
        return Move(f"claim {attempt.claim} makes call {attempt.call}", called, breaks=breaks)

    def _record(self, world: World, number: int, attempt: Attempt, ended: World) -> Move[World]:
        """Commit what a call came to, if the claim holds the step; else stop."""
        holds = _holds(world, attempt)
        if attempt.phase is Phase.CALLED and not holds and self.keeps("once.claim"):
            return Move(f"claim {attempt.claim} is fenced", ended)
        if attempt.phase is Phase.CALLED and not self.keeps("once.lock"):
            checked = _with(world, number, attempt._replace(phase=Phase.CHECKED))
            return Move(f"claim {attempt.claim} sees that it holds the step", checked)
        kept = world._replace(records=world.records | {Record(attempt.epoch, attempt.call)})
        goes_on = attempt._replace(phase=Phase.ASKING, call=attempt.call + 1)
        name = f"claim {attempt.claim} records call {attempt.call}"
        return Move(name, _with(kept, number, goes_on), breaks=None if holds else FENCED)


def _holds(world: World, attempt: Attempt) -> bool:
    return world.ticket is TicketState.RUNNING and (world.claim, world.epoch) == (attempt.claim, attempt.epoch)


def _with(world: World, number: int, attempt: Attempt) -> World:
    return world._replace(attempts=put(world.attempts, number, attempt))
