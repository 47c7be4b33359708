"""What must hold in every world and across every step, each under its name (docs/project/protocol.md, "Invariants").

`ALWAYS` is asked of every world, `ACROSS` of every step: (world before, action, step). Each predicate returns whether
all is well.
"""

from __future__ import annotations

from collections.abc import Callable

from questline_persistence.states import LIVE, TERMINAL, TRANSITIONS, TicketState
from questline_persistence.states import ExecutionStatus as Status
from tests.model.guards import UNHEARD, UNKNOWN, dead
from tests.model.lineage import lineage
from tests.model.step import Step
from tests.model.world import Action, Ended, Lease, Ticket, World

#: (worker, position): what a worker must not run.
_MISPLACED = UNKNOWN | UNHEARD
#: How the attempt ends for whoever is told that it counts; and what ends a claim without a verb of its own.
_WANTED = {"checkpoint": Ended.SUCCESS, "fail": Ended.BROKEN}
_ENDS_AS = {"sweep": "fail", "release": "fail", "stray": "fail"}


def _one_success(world: World) -> bool:
    won = [(run.epoch, run.position) for run in world.runs if run.ended is Ended.SUCCESS]
    return len(won) == len(set(won))


def _one_end(world: World) -> bool:
    ended = [run.claim for run in world.runs]
    return len(ended) == len(set(ended))


def _no_gap(world: World) -> bool:
    versions = [snapshot.version for snapshot in world.snapshots]
    return versions == list(range(len(versions))) and world.version == max(len(versions) - 1, 0)


def _running_means_claimed(world: World) -> bool:
    ticket = world.ticket
    return ticket is None or (ticket.state is TicketState.RUNNING) == (ticket.claim is not None)


def _live_means_ticket(world: World) -> bool:
    return world.status is None or (world.status in LIVE) == (world.ticket is not None)


def _status_fits(world: World) -> bool:
    ticket = world.ticket
    if ticket is None:
        return True
    if world.status is Status.PAUSED:
        return ticket.state is TicketState.HELD
    if world.status is Status.PAUSING:
        return ticket.state is TicketState.RUNNING and ticket.pause_requested
    return ticket.state in {TicketState.READY, TicketState.RUNNING} and not ticket.pause_requested


def _folds(world: World) -> bool:
    """The quest stands where the results of its lineage lead to, and so does its ticket."""
    if not world.snapshots:
        return True
    done = {
        run.position
        for epoch, limit in lineage(world.snapshots)
        for run in world.runs
        if run.ended is Ended.SUCCESS and run.epoch == epoch and (run.version or 0) <= limit
    }
    newest, ticket = world.snapshots[-1], world.ticket
    stands = ticket is None or (ticket.position, ticket.epoch) == (newest.position, newest.epoch)
    here = len(done) + 1 if newest.position is None else newest.position
    return stands and newest.epoch == world.epoch and done == set(range(1, here))


ALWAYS: dict[str, Callable[[World], bool]] = {
    "I2 a step succeeds at most once per epoch": _one_success,
    "I3 versions have no gap": _no_gap,
    "I4 running means claimed": _running_means_claimed,
    "I6 a claim ends once": _one_end,
    "I9 the state is the fold of the committed results": _folds,
    "a live quest has a ticket, an ended one has none": _live_means_ticket,
    "the status tells what the ticket does": _status_fits,
}


def _append_only(before: World, _: Action, step: Step) -> bool:
    after = step.world
    return (
        after.runs[: len(before.runs)] == before.runs and after.snapshots[: len(before.snapshots)] == before.snapshots
    )


def _fence_rises(before: World, _: Action, step: Step) -> bool:
    """Whatever moves the ticket raises the fence; ticking clocks, a pause's flag and a worker's new name do not."""
    after = step.world
    if after.fence > before.fence:
        return True
    return after.fence == before.fence and _place(after.ticket) == _place(before.ticket)


def _place(ticket: Ticket | None) -> object:
    return ticket and (ticket.epoch, ticket.position, ticket.state, ticket.claim)


def _by_the_holder(before: World, action: Action, step: Step) -> bool:
    """A claim ends by its own worker, by a sweep once it is dead or late, or by an admin; and by nobody else."""
    old, new = before.ticket, step.world.ticket
    if old is None or old.claim is None or (new is not None and new.claim == old.claim):
        return True
    if action.hold is not None:
        return action.hold.claim == old.claim
    if action.verb == "sweep":
        return action.look is not None and action.look.claim == old.claim and (dead(before, old) or old.late)
    return action.verb in {"cancel", "replay"}


def _commits_by_the_claim(before: World, _: Action, step: Step) -> bool:
    """Every run that is added is that of the claim which held the ticket, at the ticket's step and epoch."""
    ticket = before.ticket
    return all(
        ticket is not None
        and (run.claim, run.epoch, run.position) == (ticket.claim, ticket.epoch, ticket.position)
        and run.epoch == before.epoch
        for run in step.world.runs[len(before.runs) :]
    )


def _ended_stays(before: World, action: Action, step: Step) -> bool:
    after = step.world
    if before.status not in TERMINAL or action.verb in {"retry", "replay"}:
        return True
    return (after.status, after.epoch, after.ticket, after.runs) == (
        before.status,
        before.epoch,
        before.ticket,
        before.runs,
    )


def _paused_rests(before: World, _: Action, step: Step) -> bool:
    return before.status is not Status.PAUSED or (step.world.runs == before.runs and step.begun is None)


def _begins_rightly(before: World, _: Action, step: Step) -> bool:
    """A handler begins under the claim that holds the ticket, in this epoch, for a step that is not committed."""
    begun, ticket = step.begun, step.world.ticket
    if begun is None:
        return True
    done = any(
        (run.epoch, run.position, run.ended) == (begun.epoch, begun.position, Ended.SUCCESS) for run in before.runs
    )
    return (
        not done
        and ticket is not None
        and (ticket.claim, ticket.epoch, ticket.position) == (begun.claim, before.epoch, begun.position)
        and begun.epoch == before.epoch
    )


def _begins_in_time(before: World, action: Action, step: Step) -> bool:
    """A ticket is claimed only when it is due, and by a worker that knows the Lord and listens to the queue."""
    new = _newly_claimed(before, step)
    if new is None:
        return True
    due = action.verb != "claim" or (before.ticket is not None and before.ticket.due)
    return due and (new.worker, new.position) not in _MISPLACED


def _newly_claimed(before: World, step: Step) -> Ticket | None:
    """Return the ticket if a step gave it a claim, by itself or together with a result."""
    old, new = before.ticket, step.world.ticket
    if new is None or new.claim is None or (old is not None and old.claim == new.claim):
        return None
    return new


def _pause_counts(before: World, _: Action, step: Step) -> bool:
    """Once a pause was asked for, nothing is claimed."""
    return before.status is not Status.PAUSING or _newly_claimed(before, step) is None


def _truthful(_: World, action: Action, step: Step) -> bool:
    """Who is told that its result or error counts finds it in the history, and who is told not does not."""
    wanted = _WANTED.get(action.verb)
    if wanted is None or action.hold is None:
        return True
    mine = any((run.claim, run.ended) == (action.hold.claim, wanted) for run in step.world.runs)
    return step.won == mine


def _follows_the_table(before: World, action: Action, step: Step) -> bool:
    """A status changes only as `states.TRANSITIONS` says."""
    verb = _ENDS_AS.get(action.verb, action.verb)
    after = step.world
    if verb == "submit" or before.status is None or after.status is None:
        return verb == "submit" or after.status is before.status
    if after.fence == before.fence and after.status is before.status:
        return True
    if verb in {"checkpoint", "fail"} and before.status is Status.PAUSING:
        verb += "_pausing"
    rule = TRANSITIONS.get(verb)
    return rule is not None and before.status in rule.sources and after.status in rule.targets


def _keeps_out(before: World, action: Action, step: Step) -> bool:
    return not (action.outsider or action.foreign) or step.world is before


def _leases_are_true(before: World, action: Action, step: Step) -> bool:
    """Only a lease that is over is declared lost, and who was lost lives on only under a new name."""
    return step.world.workers is before.workers or all(
        old.lease is new.lease
        or (old.lease, new.lease) in {(Lease.LIVE, Lease.OVER), (Lease.OVER, Lease.LOST)}
        or (new.lease is Lease.LIVE and new.alive and (old.lease is Lease.OVER or action.verb == "enter"))
        for old, new in zip(before.workers, step.world.workers, strict=True)
    )


def _seen_is_kept(before: World, action: Action, step: Step) -> bool:
    return action.seen is None or action.seen == before.version or step.world is before


ACROSS: dict[str, Callable[[World, Action, Step], bool]] = {
    "I1 history is only added to": _append_only,
    "I5 the fence rises": _fence_rises,
    "I6 a run is added by the claim that holds the ticket": _commits_by_the_claim,
    "I6 a claim is ended by its holder, a justified sweep or an admin": _by_the_holder,
    "I7 an ended quest changes only by retry or replay": _ended_stays,
    "I8 nothing happens while paused": _paused_rests,
    "I8 nothing is claimed once a pause was asked for": _pause_counts,
    "I11 nothing crosses namespaces or quests": _keeps_out,
    "a handler begins only what is to be done, under its own claim": _begins_rightly,
    "a step begins in its time and place": _begins_in_time,
    "answers are truthful": _truthful,
    "the status follows states.TRANSITIONS": _follows_the_table,
    "leases are true": _leases_are_true,
    "a replay that has seen another version does nothing": _seen_is_kept,
}


def broken(before: World, action: Action, step: Step) -> str | None:
    """Return the first invariant that a step breaks, or None."""
    for name, across in ACROSS.items():
        if not across(before, action, step):
            return name
    return broken_in(step.world)


def broken_in(world: World) -> str | None:
    """Return the first invariant that a world breaks, or None."""
    return next((name for name, holds in ALWAYS.items() if not holds(world)), None)
