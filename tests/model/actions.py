"""What may be tried in a world: by workers, loops, admins, outsiders, and by fate.

An action is offered also where its guards refuse it; it is left out only where it could not even be sent, or where
the bounds of the exploration are reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import ParamSpec

from questline_persistence.states import TicketState
from tests.model.guards import UNHEARD
from tests.model.world import NOBODY, Action, Bell, Hold, Lease, Look, Phase, Rules, Worker, World

#: Where a replay may be asked to start.
BEGINNING, STEP_2, NOW = "the beginning", "step 2", "the newest version"

P = ParamSpec("P")


def remembered(offers: Callable[P, Iterator[Action]]) -> Callable[P, tuple[Action, ...]]:
    """Return a function that asks `offers` once for the same parameters."""
    return cache(lambda *given: tuple(offers(*given)))  # type: ignore[return-value]


def actions(world: World, rules: Rules) -> Iterator[Action]:
    """Yield everything that may be tried.

    What the parts below offer depends upon little and is asked for in many worlds: each remembers its answers.
    """
    yield _SUBMIT
    if world.status is None:
        return
    ticket, faults = world.ticket, min(world.faults, 2)
    bell = None if ticket is None else Bell(ticket.epoch, ticket.position)
    yield from _of_the_broker(world.bells, bell is not None)
    yield from _of_claims(world.bells, world.workers, bell, faults > 0)
    for hold in world.holds:
        yield from _of_a_hold(hold, faults, rules.max_attempts)
    yield from _of_the_workers(world.workers, faults > 0)
    yield from _of_the_loops(world.looks, rules.looks)
    yield from _of_the_time(world)
    yield from _of_the_admin(world.version, world.verbs > 0)


_SUBMIT, _DUE, _LATE = Action("submit"), Action("due"), Action("late", worker=NOBODY)


@remembered
def _of_the_broker(bells: tuple[Bell, ...], waiting: bool) -> Iterator[Action]:
    for bell in bells:
        yield Action("drop", bell=bell)
    if len(bells) > 1:
        yield Action("flush")
    if waiting:
        yield Action("redispatch")
        yield Action("redispatch", outsider=True)


@remembered
def _of_claims(
    bells: tuple[Bell, ...], workers: tuple[Worker, ...], ticket: Bell | None, faulty: bool
) -> Iterator[Action]:
    """Yield the deliveries: a bell stays in flight, so that it may be delivered again.

    Parameters:
      ticket: what would be rung for now.
      faulty: whether a reply may be lost.
    """
    for bell in bells:
        for number, worker in enumerate(workers):
            if worker.alive and (number, bell.position) not in UNHEARD:
                yield Action("claim", worker=number, bell=bell)
                if faulty:
                    yield Action("claim", worker=number, bell=bell, heard=False)
        yield Action("claim", worker=0, bell=bell, outsider=True)
    if ticket is not None:
        yield Action("claim", worker=0, bell=ticket, foreign=True)


@remembered
def _of_a_hold(hold: Hold, faults: int, max_attempts: int) -> Iterator[Action]:
    """Yield what a worker may do with a claim; a call whose reply was lost is sent again."""
    match hold.phase:
        case Phase.ASKED:
            yield Action("claim", worker=hold.worker, hold=hold, bell=Bell(hold.epoch, hold.position))
            yield Action("stray", worker=hold.worker, hold=hold)
        case Phase.SENT:
            yield Action("checkpoint", hold=hold)
            if hold.next_claim is not None:
                yield Action("stray", worker=hold.worker, hold=hold.ahead(hold.next_claim, Phase.ASKED))
        case Phase.FAILED:
            yield Action("fail", hold=hold)
        case Phase.RUNNING:
            yield from _of_a_running_hold(hold, faults, max_attempts)


def _of_a_running_hold(hold: Hold, faults: int, max_attempts: int) -> Iterator[Action]:
    for next_claim in (False, True):
        yield Action("checkpoint", hold=hold, next_claim=next_claim)
        if faults:
            yield Action("checkpoint", hold=hold, next_claim=next_claim, heard=False)
    if faults:
        yield Action("fail", hold=hold, final=True)
        yield Action("release", hold=hold)
        yield Action("release", hold=hold, later=True)
        yield Action("stray", worker=hold.worker, hold=hold)
    if faults and hold.attempt < max_attempts:
        yield Action("fail", hold=hold)
    if faults > 1:
        yield Action("fail", hold=hold, heard=False)


@remembered
def _of_the_workers(workers: tuple[Worker, ...], faulty: bool) -> Iterator[Action]:
    for number, worker in enumerate(workers):
        if worker.alive and faulty:
            yield Action("die", worker=number)
        if worker.lease is Lease.LIVE and (faulty or not worker.alive):
            yield Action("lapse", worker=number)
        if worker.alive and worker.lease is not Lease.LIVE:
            yield Action("renew", worker=number)
        if worker.lease is Lease.LOST or (worker.lease is Lease.OVER and not worker.alive):
            yield Action("enter", worker=number)


@remembered
def _of_the_loops(looks: tuple[Look, ...], most: int) -> Iterator[Action]:
    if len(looks) < most:
        yield Action("look")
        yield Action("look", outsider=True)
    for look in looks:
        yield Action("sweep", look=look)


def _of_the_time(world: World) -> Iterator[Action]:
    ticket = world.ticket
    if ticket is not None and not ticket.due:
        yield _DUE
    if ticket is not None and ticket.state is TicketState.RUNNING and not ticket.late:
        held = any(hold.claim == ticket.claim for hold in world.holds)
        if world.faults or not held:
            yield _LATE


@remembered
def _of_the_admin(version: int, asked: bool) -> Iterator[Action]:
    yield Action("resume")
    if not asked:
        return
    for verb in ("pause", "cancel", "retry"):
        yield Action(verb)
    yield Action("cancel", outsider=True)
    for start in (BEGINNING, STEP_2, NOW):
        yield Action("replay", start=start)
    yield Action("replay", start=BEGINNING, seen=version - 1)
