"""One step that loads two keys and saves both with its result, while others save them, and workers freeze or die."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple

from questline_persistence.states import TicketState
from tests.model.memory.model import Model, Move, left, put

KEYS = (0, 1)

BOTH_OR_NEITHER = "I25 the rows of a step stand beside its result, or not at all"
READ = "a step saves over nothing that it has not read"
BESIDE = "a conflict leaves other results of its batch alone"
PUT_OFF = "a step is put off by the claim that holds it"


class Phase(StrEnum):
    """How far an attempt has come."""

    LOADING = "loading"
    SAVING = "saving"
    RESULT = "result"  # a mutant: its rows are committed, its result is not yet
    CONFLICT = "conflict"


class Attempt(NamedTuple):
    """A handler that runs, or ran before its worker froze; and the versions of the keys that it has loaded."""

    claim: int
    phase: Phase = Phase.LOADING
    versions: tuple[int, ...] = ()


class World(NamedTuple):
    """The step's ticket, the heads of the keys, what was committed, who is at it, and what may still strike.

    `again` tells that a conflict calls the function of an update once more, instead of the handler.
    """

    again: bool
    ticket: TicketState | None = TicketState.READY
    claim: int = 0  # the newest
    versions: tuple[int, ...] = (1, 1)
    rows: tuple[tuple[int, int], ...] = ()  # whose claim wrote which key
    result: int | None = None  # the claim that committed it
    attempts: tuple[Attempt, ...] = ()
    beside: bool = False  # whether a plain result is committed that may share the step's batch
    outside: int = 2
    sweeps: int = 2
    deaths: int = 1


class Steps(Model[World]):
    """A step with two sweeps too many, a dead worker, and somebody who is faster twice."""

    guards: ClassVar[Mapping[str, str]] = {
        "also.claim": BOTH_OR_NEITHER,  # nothing is written for a claim that is gone
        "also.together": BOTH_OR_NEITHER,  # result, heads and rows are one transaction
        "also.version": READ,  # a key that the attempt has loaded is saved with the version loaded
        "conflict.whole": BOTH_OR_NEITHER,  # what was written before a conflict is rolled back
        "conflict.alone": BESIDE,  # ... and nothing else
        "conflict.claim": PUT_OFF,  # nothing is put off for a claim that is gone
    }

    def starts(self) -> Iterable[World]:
        return (World(again) for again in (False, True))

    def rests(self, world: World) -> bool:
        return world.ticket is None and world.beside

    def broken(self, world: World) -> str | None:
        wanted = {(world.result, key) for key in KEYS} if world.result is not None else set()
        return None if sorted(world.rows) == sorted(wanted) else BOTH_OR_NEITHER

    def moves(self, world: World) -> Iterator[Move[World]]:
        yield from _of_others(world)
        for number, attempt in enumerate(world.attempts):
            ended = world._replace(attempts=left(world.attempts, number))
            if world.deaths:
                dead = ended._replace(deaths=world.deaths - 1)
                yield Move(f"the worker of claim {attempt.claim} dies", dead, helps=False)
            match attempt.phase:
                case Phase.LOADING:
                    read = attempt._replace(phase=Phase.SAVING, versions=world.versions)
                    yield Move(f"claim {attempt.claim} loads", _with(world, number, read))
                case Phase.SAVING:
                    yield self._commit(world, number, attempt)
                case Phase.RESULT:
                    yield Move(f"claim {attempt.claim} commits its result", _result(ended, attempt))
                case Phase.CONFLICT if world.again:
                    yield Move(f"claim {attempt.claim} updates anew", _with(world, number, Attempt(attempt.claim)))
                case Phase.CONFLICT:
                    yield self._put_off(ended, attempt)

    def _commit(self, world: World, number: int, attempt: Attempt) -> Move[World]:
        """Commit a result with its saves, and on SQLite the plain results of the same batch."""
        batch = world._replace(beside=True)
        ended = batch._replace(attempts=left(world.attempts, number))
        if not _holds(world, attempt) and self.keeps("also.claim"):
            return Move(f"claim {attempt.claim} is fenced", ended)
        name, versions, rows = f"claim {attempt.claim} commits", world.versions, world.rows
        for key in KEYS:
            if versions[key] != attempt.versions[key] and self.keeps("also.version"):
                return self._conflict(batch._replace(versions=versions, rows=rows), world, number)
            versions, rows = put(versions, key, versions[key] + 1), (*rows, (attempt.claim, key))
        breaks = None if world.versions == attempt.versions else READ
        if self.keeps("also.together"):
            done = _result(ended._replace(versions=versions, rows=rows), attempt)
        else:
            name = f"{name} its rows"
            done = _with(batch._replace(versions=versions, rows=rows), number, attempt._replace(phase=Phase.RESULT))
        return Move(name, done, breaks=breaks)

    def _conflict(self, written: World, world: World, number: int) -> Move[World]:
        """Roll back what the step has written until it met another's version."""
        attempt = world.attempts[number]
        kept = world._replace(beside=True) if self.keeps("conflict.whole") else written
        breaks = None if world.beside or self.keeps("conflict.alone") else BESIDE
        met = _with(kept, number, Attempt(attempt.claim, Phase.CONFLICT))
        return Move(f"claim {attempt.claim} meets a conflict", met, breaks=breaks)

    def _put_off(self, ended: World, attempt: Attempt) -> Move[World]:
        holds = _holds(ended, attempt)
        if not holds and self.keeps("conflict.claim"):
            return Move(f"claim {attempt.claim} is fenced", ended)
        name, ready = f"claim {attempt.claim} is put off", ended._replace(ticket=TicketState.READY)
        return Move(name, ready, breaks=None if holds else PUT_OFF)


def _of_others(world: World) -> Iterator[Move[World]]:
    """Yield what workers, sweeps, other writers and the plain result beside the step may do."""
    claims = {attempt.claim for attempt in world.attempts}
    if world.ticket is TicketState.READY:
        claim = world.claim + 1
        taken = world._replace(ticket=TicketState.RUNNING, claim=claim, attempts=(*world.attempts, Attempt(claim)))
        yield Move(f"claim {claim}", taken)
    elif world.ticket is TicketState.RUNNING:
        swept = world._replace(ticket=TicketState.READY)
        if world.claim not in claims:
            yield Move("a sweep of the dead", swept)
        elif world.sweeps:
            yield Move("a sweep of the frozen", swept._replace(sweeps=world.sweeps - 1), helps=False)
    for key in KEYS if world.outside else ():
        saved = world._replace(versions=put(world.versions, key, world.versions[key] + 1), outside=world.outside - 1)
        yield Move(f"somebody saves key {key}", saved, helps=False)
    if not world.beside:
        yield Move("the result beside is committed alone", world._replace(beside=True))


def _holds(world: World, attempt: Attempt) -> bool:
    return world.ticket is TicketState.RUNNING and world.claim == attempt.claim


def _result(world: World, attempt: Attempt) -> World:
    """Move the ticket on, if the claim holds it."""
    return world._replace(ticket=None, result=attempt.claim) if _holds(world, attempt) else world


def _with(world: World, number: int, attempt: Attempt) -> World:
    return world._replace(attempts=put(world.attempts, number, attempt))
