"""The small changes that the protocol's transitions are made of."""

from __future__ import annotations

from typing import Any

from questline_persistence.states import SnapshotReason
from tests.model.world import NOBODY, Hold, Snapshot, Ticket, Worker, World, replace


def paid(world: World) -> World:
    """Spend one fault."""
    return replace(world, faults=world.faults - 1)


def without(world: World, hold: Hold) -> World:
    return replace(world, holds=tuple([other for other in world.holds if other != hold]))


def having(world: World, hold: Hold) -> World:
    return replace(world, holds=(*world.holds, hold))


def freed(ticket: Ticket) -> Ticket:
    return replace(ticket, claim=None, worker=NOBODY, late=False)


def with_worker(world: World, number: int, **changed: Any) -> World:
    workers: list[Worker] = list(world.workers)
    workers[number] = workers[number]._replace(**changed)
    return replace(world, workers=tuple(workers))


def snap(world: World, epoch: int, position: int | None, reason: SnapshotReason, *, parent: int | None = None) -> World:
    """Add a snapshot at the world's version."""
    found = Snapshot(world.version, epoch, position, reason, parent)
    return replace(world, snapshots=(*world.snapshots, found))


def unused_claim(world: World) -> int:
    """Return a claim id that nobody knows."""
    known = {hold.claim for hold in world.holds} | {look.claim for look in world.looks}
    known |= {hold.next_claim for hold in world.holds}
    known |= {run.claim for run in world.runs} | {world.ticket.claim if world.ticket else None}
    return next(number for number in range(1, len(known) + 2) if number not in known)
