"""What may be tried in a world: by workers, loops, admins, outsiders, and by fate.

An action is offered also where its guards refuse it; it is left out only where it could not even be sent, or where
the bounds of the exploration are reached.
"""

from __future__ import annotations

from collections.abc import Iterator

from questline_persistence.states import TicketState
from tests.model.guards import UNHEARD
from tests.model.world import NOBODY, Action, Bell, Hold, Lease, Phase, Rules, World

#: Where a replay may be asked to start.
BEGINNING, STEP_2, NOW = "the beginning", "step 2", "the newest version"


def actions(world: World, rules: Rules) -> Iterator[Action]:
    """Yield everything that may be tried."""
    yield Action("submit")
    if world.status is None:
        return
    yield from _of_the_broker(world)
    yield from _of_claims(world)
    for hold in world.holds:
        yield from _of_a_hold(world, hold, rules)
    yield from _of_the_workers(world)
    yield from _of_the_loops(world, rules)
    yield from _of_the_admin(world)


def _of_the_broker(world: World) -> Iterator[Action]:
    for bell in world.bells:
        yield Action("drop", bell=bell)
    if len(world.bells) > 1:
        yield Action("flush")
    if world.ticket is not None:
        yield Action("redispatch")
        yield Action("redispatch", outsider=True)


def _of_claims(world: World) -> Iterator[Action]:
    """Yield the deliveries: a bell stays in flight, so that it may be delivered again."""
    for bell in world.bells:
        for number, worker in enumerate(world.workers):
            if worker.alive and (number, bell.position) not in UNHEARD:
                yield Action("claim", worker=number, bell=bell)
                if world.faults:
                    yield Action("claim", worker=number, bell=bell, heard=False)
        yield Action("claim", worker=0, bell=bell, outsider=True)
    if world.ticket is not None:
        yield Action("claim", worker=0, bell=Bell(world.ticket.epoch, world.ticket.position), foreign=True)


def _of_a_hold(world: World, hold: Hold, rules: Rules) -> Iterator[Action]:
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
            yield from _of_a_running_hold(world, hold, rules)


def _of_a_running_hold(world: World, hold: Hold, rules: Rules) -> Iterator[Action]:
    for next_claim in (False, True):
        yield Action("checkpoint", hold=hold, next_claim=next_claim)
        if world.faults:
            yield Action("checkpoint", hold=hold, next_claim=next_claim, heard=False)
    if world.faults:
        yield Action("fail", hold=hold, final=True)
        yield Action("release", hold=hold)
        yield Action("release", hold=hold, later=True)
        yield Action("stray", worker=hold.worker, hold=hold)
    if world.faults and hold.attempt < rules.max_attempts:
        yield Action("fail", hold=hold)
    if world.faults > 1:
        yield Action("fail", hold=hold, heard=False)


def _of_the_workers(world: World) -> Iterator[Action]:
    for number, worker in enumerate(world.workers):
        if worker.alive and world.faults:
            yield Action("die", worker=number)
        if worker.lease is Lease.LIVE and (world.faults or not worker.alive):
            yield Action("lapse", worker=number)
        if worker.alive and worker.lease is not Lease.LIVE:
            yield Action("renew", worker=number)
        if worker.lease is Lease.LOST or (worker.lease is Lease.OVER and not worker.alive):
            yield Action("enter", worker=number)


def _of_the_loops(world: World, rules: Rules) -> Iterator[Action]:
    ticket = world.ticket
    if len(world.looks) < rules.looks:
        yield Action("look")
        yield Action("look", outsider=True)
    for look in world.looks:
        yield Action("sweep", look=look)
    if ticket is not None and not ticket.due:
        yield Action("due")
    if ticket is not None and ticket.state is TicketState.RUNNING and not ticket.late:
        held = any(hold.claim == ticket.claim for hold in world.holds)
        if world.faults or not held:
            yield Action("late", worker=NOBODY)


def _of_the_admin(world: World) -> Iterator[Action]:
    yield Action("resume")
    if not world.verbs:
        return
    for verb in ("pause", "cancel", "retry"):
        yield Action(verb)
    yield Action("cancel", outsider=True)
    for start in (BEGINNING, STEP_2, NOW):
        yield Action("replay", start=start)
    yield Action("replay", start=BEGINNING, seen=world.version - 1)
