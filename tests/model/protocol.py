"""The protocol as pure functions: what may happen in a world, and what the world is like afterwards.

Each transition is one guarded write, as in the code; a sweep alone is two, its read and its write, so that it may act
upon what is no longer so. The statuses follow the code's own table, `states.TRANSITIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from questline_persistence.states import ExecutionStatus as Status
from questline_persistence.states import SnapshotReason, TicketState
from tests.model.actions import actions
from tests.model.changes import freed, having, paid, snap, unused_claim, with_worker, without
from tests.model.guards import GUARDS, dead
from tests.model.lineage import starting_point
from tests.model.step import Step
from tests.model.verbs import VERBS
from tests.model.world import (
    GONE,
    Action,
    Bell,
    Ended,
    Hold,
    Lease,
    Look,
    Phase,
    Rules,
    Run,
    Snapshot,
    Ticket,
    World,
    replace,
)

#: Where a ticket would stand if nothing remained to be run.
NO_STEP = 0


class Protocol:
    """The transitions under some rules, without the guards that a mutant lacks.

    Parameters:
      rules: the bounds of the world.
      without: names of guards that are taken for true.
      lacking: verbs that never happen.
    """

    def __init__(
        self, rules: Rules, without: frozenset[str] = frozenset(), lacking: frozenset[str] = frozenset()
    ) -> None:
        assert without <= GUARDS.keys()
        self.rules = rules
        self._lacking = lacking
        self._guards: dict[str, list[Callable[[World, Action, Any], bool]]] = {}
        for name, guard in GUARDS.items():
            held = self._guards.setdefault(name.partition(".")[0], [])
            if name not in without:
                held.append(guard.holds)
        self._steps: dict[str, Callable[[World, Action], Step | None]] = {
            verb: getattr(self, f"_{verb}") for verb in VERBS
        }

    def start(self) -> World:
        """Return the world before anything has happened."""
        return World(faults=self.rules.faults, verbs=self.rules.verbs)

    def steps(self, world: World) -> Iterator[tuple[Action, Step]]:
        """Yield what may happen, and what it leads to; not what changes nothing."""
        for action in actions(world, self.rules):
            if action.verb not in self._lacking:
                step = self._steps[action.verb](world, action)
                if step is not None and step.world is not world:
                    yield action, step

    def step(self, world: World, action: Action) -> Step:
        """Return what `action` leads to; an action that loses its race may still change what the actor holds."""
        return self._steps[action.verb](world, action) or Step(world, won=False)

    def _passes(self, statement: str, world: World, action: Action, row: Any) -> bool:
        for guard in self._guards.get(statement, ()):  # noqa: SIM110  (a third of the time of `all`, a million times)
            if not guard(world, action, row):
                return False
        return True

    # The producer and the broker

    def _submit(self, world: World, action: Action) -> Step | None:
        if not self._passes("submit", world, action, None):
            return None
        first = Snapshot(0, 0, 1, SnapshotReason.START)
        fresh = World(world.faults, world.verbs, Status.NEW, fence=1, ticket=Ticket(0, 1), snapshots=(first,))
        return Step(self._ring(fresh, 0, 1))

    def _ring(self, world: World, epoch: int, position: int) -> World:
        """Send a doorbell; where the broker is full it is lost."""
        bells = {*world.bells, Bell(epoch, position)}
        return world if len(bells) > self.rules.bells else replace(world, bells=tuple(sorted(bells)))

    def _drop(self, world: World, action: Action) -> Step:
        """Lose a doorbell, or acknowledge it."""
        return Step(replace(world, bells=tuple(bell for bell in world.bells if bell != action.bell)))

    def _flush(self, world: World, _: Action) -> Step:
        return Step(replace(world, bells=()))

    def _redispatch(self, world: World, action: Action) -> Step | None:
        ticket = world.ticket
        if ticket is None or not self._passes("redispatch", world, action, ticket):
            return None
        return Step(self._ring(world, ticket.epoch, ticket.position))

    # The worker

    def _claim(self, world: World, action: Action) -> Step | None:
        """Claim a ticket, for the first time or again because the reply was lost."""
        asked, ticket = action.hold, world.ticket
        if asked is not None:
            if ticket is not None and self._passes("mine", world, action, ticket):
                return self._begin(without(world, asked), asked._replace(phase=Phase.RUNNING))
            world = without(world, asked)
            if not all(self._passes("anew", world, action, run) for run in world.runs):
                return Step(world, won=False)
        bell = action.bell
        if bell is None or ticket is None or not self._passes("claim", world, action, ticket):
            return None if asked is None else Step(world, won=False)
        claim = unused_claim(world) if asked is None else asked.claim
        phase = Phase.RUNNING if action.heard else Phase.ASKED
        hold = Hold(claim, action.worker, bell.epoch, bell.position, ticket.attempt + 1, phase)
        begins = self._passes("begin", world, action, world)
        taken = replace(
            world,
            ticket=replace(ticket, state=TicketState.RUNNING, claim=claim, worker=action.worker, late=False),
            fence=world.fence + 1,
            faults=world.faults - (not action.heard),
            status=Status.RUNNING if begins else world.status,
            started=world.started or begins,
        )
        return self._begin(taken, hold) if action.heard else Step(having(taken, hold))

    @staticmethod
    def _begin(world: World, hold: Hold) -> Step:
        return Step(having(world, hold), begun=hold)

    def _checkpoint(self, world: World, action: Action) -> Step | None:
        """Commit a result, or send it again.

        With a claim on the next step, the worker begins that as soon as it hears of it: the way from the commit to
        the handler is that of a claim.
        """
        hold, ticket = _held(action), world.ticket
        left = without(world, hold)
        if ticket is None or not self._passes("checkpoint", world, action, ticket):
            won = any(self._passes("recorded", world, action, run) for run in world.runs)
            return self._go_on(left, hold) if won else Step(left, won=False)
        next_claim = unused_claim(world) if self._hands_over(world, action, ticket) else None
        if not action.heard:
            sent = hold._replace(phase=Phase.SENT, next_claim=next_claim)
            return Step(having(self._commit(paid(left), ticket, hold, next_claim), sent))
        committed = self._commit(left, ticket, hold, next_claim)
        return Step(committed) if next_claim is None else self._begin(committed, hold.ahead(next_claim, Phase.RUNNING))

    def _hands_over(self, world: World, action: Action, ticket: Ticket) -> bool:
        """Return whether a checkpoint leaves its ticket claimed."""
        wanted = action.next_claim and ticket.position < self.rules.steps
        return wanted and self._passes("hand", world, action, ticket)

    def _go_on(self, world: World, hold: Hold) -> Step:
        """Begin what was claimed together with a result, now that this was sent again, if the claim still holds."""
        if hold.next_claim is None or world.ticket is None:
            return Step(world)
        ahead = hold.ahead(hold.next_claim, Phase.RUNNING)
        if not self._passes("mine", world, Action("claim", worker=hold.worker, hold=ahead), world.ticket):
            return Step(world)
        return self._begin(world, ahead)

    def _commit(self, world: World, ticket: Ticket, hold: Hold, next_claim: int | None) -> World:
        """Add a success to the history and move the ticket on, to be ready or under the next claim."""
        version, last = world.version + 1, hold.position == self.rules.steps
        run = Run(hold.epoch, hold.position, hold.claim, Ended.SUCCESS, version)
        world = replace(world, runs=(*world.runs, run), version=version, fence=world.fence + 1)
        if last:
            world = snap(world, hold.epoch, None, SnapshotReason.COMPLETED)
            return replace(world, ticket=None, status=Status.COMPLETED)
        world = snap(world, hold.epoch, hold.position + 1, SnapshotReason.CHECKPOINT)
        ahead = Ticket(ticket.epoch, hold.position + 1, pause_requested=ticket.pause_requested)
        if next_claim is not None:
            running = replace(ahead, state=TicketState.RUNNING, claim=next_claim, worker=hold.worker)
            return replace(world, ticket=running)
        world = self._settle(world, ahead)
        return world if ticket.pause_requested else self._ring(world, hold.epoch, hold.position + 1)

    @staticmethod
    def _settle(world: World, ticket: Ticket) -> World:
        """Leave an unclaimed ticket ready, or carry out the pause that was asked for meanwhile."""
        if not ticket.pause_requested:
            return replace(world, ticket=replace(ticket, state=TicketState.READY))
        world = snap(replace(world, version=world.version + 1), ticket.epoch, ticket.position, SnapshotReason.PAUSE)
        return replace(world, ticket=replace(ticket, state=TicketState.HELD), status=Status.PAUSED)

    def _fail(self, world: World, action: Action) -> Step | None:
        """Commit an error, or send it again."""
        hold, ticket = _held(action), world.ticket
        left = without(world, hold)
        if ticket is None or not self._passes("fail", world, action, ticket):
            return Step(left, won=any(self._passes("failed", world, action, run) for run in world.runs))
        spent = replace(freed(ticket), attempt=ticket.attempt + 1, due=False)
        final = action.final or hold.attempt >= self.rules.max_attempts
        left = self._end_attempt(paid(left), spent, hold, Ended.BROKEN, final=final)
        if action.heard:
            return Step(left)
        return Step(having(paid(left), hold._replace(phase=Phase.FAILED)))

    def _end_attempt(self, world: World, spent: Ticket, ending: Hold | Look, ended: Ended, *, final: bool) -> World:
        """Add an error to the history; give the step another attempt or fail its quest."""
        run = Run(ending.epoch, ending.position, ending.claim or 0, ended)
        world = replace(world, runs=(*world.runs, run), fence=world.fence + 1)
        if not final:
            return self._settle(world, spent)
        world = snap(replace(world, version=world.version + 1), ending.epoch, ending.position, SnapshotReason.ERROR)
        return replace(world, ticket=None, status=Status.FAILED)

    def _release(self, world: World, action: Action) -> Step | None:
        hold, ticket = _held(action), world.ticket
        left = without(world, hold)
        if ticket is None or not self._passes("release", world, action, ticket):
            return Step(left, won=False)
        return Step(self._give_back(paid(left), ticket, due=not action.later))

    def _stray(self, world: World, action: Action) -> Step | None:
        """Give back a claim that the heartbeat believes nobody here knows of; it may begin to run just then."""
        ticket = world.ticket
        if ticket is None or not self._passes("stray", world, action, ticket):
            return None
        if not self._passes("release", world, action, ticket):
            return None
        known = _held(action).phase is Phase.RUNNING
        return Step(self._give_back(paid(world) if known else world, ticket))

    def _give_back(self, world: World, ticket: Ticket, *, due: bool = True) -> World:
        """Leave a ticket unclaimed, no attempt spent; one that is put off is due later, and rung for then."""
        world = self._settle(replace(world, fence=world.fence + 1), replace(freed(ticket), due=due))
        rings = due and not ticket.pause_requested
        return self._ring(world, ticket.epoch, ticket.position) if rings else world

    def _die(self, world: World, action: Action) -> Step:
        """Kill a worker, and all that it had in hand."""
        holds = tuple(hold for hold in world.holds if hold.worker != action.worker)
        return Step(with_worker(replace(paid(world), holds=holds), action.worker, alive=False))

    def _lapse(self, world: World, action: Action) -> Step:
        """Let a lease run out: the worker is dead, or frozen for a while."""
        world = paid(world) if world.workers[action.worker].alive else world
        return Step(with_worker(world, action.worker, lease=Lease.OVER))

    def _renew(self, world: World, action: Action) -> Step | None:
        if not self._passes("renew", world, action, world.workers[action.worker]):
            return None
        return Step(with_worker(world, action.worker, lease=Lease.LIVE))

    def _enter(self, world: World, action: Action) -> Step:
        """Go on under a fresh name, as a new process or after having been taken for lost."""
        ticket = world.ticket
        if ticket is not None and ticket.worker == action.worker:
            world = replace(world, ticket=replace(ticket, worker=GONE))
        return Step(with_worker(world, action.worker, alive=True, lease=Lease.LIVE))

    # The loops and the time

    def _look(self, world: World, action: Action) -> Step | None:
        """Declare workers lost and read which claims look dead."""
        declared = tuple(
            worker._replace(lease=Lease.LOST) if self._passes("declare", world, action, worker) else worker
            for worker in world.workers
        )
        world = world if declared == world.workers else replace(world, workers=declared)
        ticket = world.ticket
        if ticket is None or not self._passes("look", world, action, ticket):
            return Step(world)
        gone = dead(world, ticket)
        spent, most = (ticket.lost, self.rules.max_lost) if gone else (ticket.attempt, self.rules.max_attempts)
        at_once = gone and ticket.lost == 0
        look = Look(ticket.claim, ticket.epoch, ticket.position, gone, spent + 1 >= most, at_once)
        return Step(replace(world, looks=(*world.looks, look)))

    def _sweep(self, world: World, action: Action) -> Step | None:
        """Free a claim that looked dead when it was read, if that is still so."""
        look, ticket = action.look, world.ticket
        assert look is not None
        looks = list(world.looks)
        looks.remove(look)
        left = replace(world, looks=tuple(looks))
        if ticket is None or not self._passes("sweep", world, action, ticket):
            return Step(left, won=False)
        if look.dead:
            spent, ended = replace(freed(ticket), lost=ticket.lost + 1, due=look.at_once), Ended.LOST
        else:
            spent, ended = replace(freed(ticket), attempt=ticket.attempt + 1, due=False), Ended.LATE
        left = self._end_attempt(left, spent, look, ended, final=look.final)
        rings = look.at_once and left.ticket is not None and not ticket.pause_requested
        return Step(self._ring(left, look.epoch, look.position) if rings else left)

    def _due(self, world: World, _: Action) -> Step | None:
        ticket = world.ticket
        return None if ticket is None else Step(replace(world, ticket=replace(ticket, due=True)))

    def _late(self, world: World, _: Action) -> Step | None:
        ticket = world.ticket
        if ticket is None:
            return None
        held = any(hold.claim == ticket.claim for hold in world.holds)
        return Step(replace(paid(world) if held else world, ticket=replace(ticket, late=True)))

    # The admin

    def _requires(self, verb: str, world: World, action: Action) -> bool:
        return self._passes("lock", world, action, None) and self._passes(verb, world, action, world.ticket)

    def _pause(self, world: World, action: Action) -> Step | None:
        ticket = world.ticket
        held_already = world.status in {Status.PAUSING, Status.PAUSED}
        if held_already or not self._requires("pause", world, action):
            return None
        world = replace(world, status=Status.PAUSING, verbs=world.verbs - 1)
        if ticket is None:
            return Step(world)
        running, ticket = ticket.state is TicketState.RUNNING, replace(ticket, pause_requested=True)
        if self._passes("hold", world, action, ticket):
            ticket, world = replace(ticket, state=TicketState.HELD), replace(world, fence=world.fence + 1)
        if running:
            return Step(replace(world, ticket=ticket))
        return Step(self._settle(world, ticket))

    def _resume(self, world: World, action: Action) -> Step | None:
        if not self._requires("resume", world, action):
            return None
        ticket = world.ticket
        world = replace(world, status=Status.RUNNING if world.started else Status.NEW)
        if ticket is None:
            return Step(world)
        ticket = replace(ticket, pause_requested=False)
        if not self._passes("unhold", world, action, ticket):
            return Step(replace(world, ticket=ticket))
        world = replace(world, ticket=replace(ticket, state=TicketState.READY), fence=world.fence + 1)
        return Step(self._ring(world, ticket.epoch, ticket.position))

    def _cancel(self, world: World, action: Action) -> Step | None:
        if not self._requires("cancel", world, action):
            return None
        world = self._cut_short(world)
        return Step(replace(world, ticket=None, status=Status.CANCELLED, fence=world.fence + 1, verbs=world.verbs - 1))

    @staticmethod
    def _cut_short(world: World) -> World:
        """Add what runs now to the history as cancelled: its claim is about to go."""
        ticket = world.ticket
        if ticket is None or ticket.claim is None:
            return world
        return replace(world, runs=(*world.runs, Run(ticket.epoch, ticket.position, ticket.claim, Ended.CUT_SHORT)))

    def _retry(self, world: World, action: Action) -> Step | None:
        if not self._requires("retry", world, action):
            return None
        position = world.snapshots[-1].position or NO_STEP
        return Step(self._put(replace(world, status=Status.RUNNING, verbs=world.verbs - 1), position))

    def _put(self, world: World, position: int) -> World:
        """Give the quest a fresh ticket."""
        world = replace(world, ticket=Ticket(world.epoch, position), fence=world.fence + 1)
        return self._ring(world, world.epoch, position)

    def _replay(self, world: World, action: Action) -> Step | None:
        point = starting_point(world, action.start)
        if not self._passes("lock", world, action, None) or not self._passes("replay", world, action, point):
            return None
        came_from = point or world.snapshots[-1]
        position = (came_from.position or NO_STEP) if point else 2
        world = self._cut_short(world)
        epoch, version = world.epoch + 1, world.version + 1
        world = replace(world, epoch=epoch, version=version, status=Status.RUNNING, started=True, verbs=world.verbs - 1)
        world = snap(world, epoch, position, SnapshotReason.REPLAY, parent=came_from.version)
        return Step(self._put(world, position))


def _held(action: Action) -> Hold:
    assert action.hold is not None
    return action.hold
