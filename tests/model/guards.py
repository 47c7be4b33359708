"""The guards of the protocol as data: what each statement's WHERE asks before it writes.

A mutant of the protocol is the same model with one of these taken for true. The names before the dot are those of
the statements in `statements.py`, where a test compares the conditions with the code's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from questline_persistence.states import LIVE, TRANSITIONS, TicketState
from tests.model.world import Action, Ended, Hold, Lease, Look, Run, Ticket, World

#: Asks (world, action, the row that the WHERE looks at).
Predicate = Callable[[World, Action, Any], bool]

#: (worker, position): the Lords that a worker does not know.
UNKNOWN = frozenset({(1, 2)})
#: The step that is in a queue of its own, and who does not listen to that, as (worker, position).
ELSEWHERE = 3
UNHEARD = frozenset({(0, ELSEWHERE)})


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition of a transition.

    `conditions` are the code's, as `statements.conditions` writes them (none where the code decides in Python);
    `spare` says why the model holds even without this guard, which must then be so.
    """

    holds: Predicate
    conditions: tuple[str, ...] = ()
    spare: str = ""


def dead(world: World, ticket: Ticket) -> bool:
    """Return whether nobody alive holds the ticket, as the register knows it."""
    return ticket.worker < 0 or world.workers[ticket.worker].lease is not Lease.LIVE


def _asked(action: Action) -> Hold | Look:
    """Return the claim that an action would end."""
    found = action.hold or action.look
    assert found is not None
    return found


def _same_claim(_: World, action: Action, row: Ticket | Run) -> bool:
    return row.claim is not None and row.claim == _asked(action).claim  # NULL equals nothing in SQL


_ONE_QUEST = "a claim id names one claim of one quest"
_CHECKED = "claim_id is NULL unless running (CHECK ck_tickets_claim)"
_ONE_STEP = "a claim id names one claim of one step in one epoch"


def _ends_a_claim(verb: str) -> dict[str, Guard]:
    """Return the guards of a write that ends a claim (`dialects.sqlite.steps._HOLDS`, `endings.holds`)."""
    return {
        f"{verb}.quest_id": Guard(lambda _, a, __: not a.foreign, ("quest_id = ?",), spare=_ONE_QUEST),
        f"{verb}.claim_id": Guard(_same_claim, ("claim_id = ?",)),
        f"{verb}.state": Guard(
            lambda _, __, row: row.state is TicketState.RUNNING, ("state = 'running'",), spare=_CHECKED
        ),
        f"{verb}.epoch": Guard(lambda _, a, row: row.epoch == _asked(a).epoch, ("epoch = ?",), spare=_ONE_STEP),
        f"{verb}.position": Guard(
            lambda _, a, row: row.position == _asked(a).position, ("position = ?",), spare=_ONE_STEP
        ),
    }


def _verb(verb: str) -> dict[str, Guard]:
    """Return the guards of an admin's verb (`LockedQuest.require`)."""
    return {
        f"{verb}.status": Guard(lambda world, _, __: world.status in TRANSITIONS[verb].sources),
        f"{verb}.ticket": Guard(
            lambda world, _, row: row is not None or world.status not in LIVE,
            spare="only a quest saved by hand is live and has no ticket",
        ),
    }


_CLAIM = {
    "claim.quest_id": Guard(lambda _, a, __: not a.foreign, ("quest_id = ?",)),
    "claim.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",)),
    "claim.epoch": Guard(lambda _, a, row: row.epoch == a.bell.epoch, ("epoch = ?",)),  # type: ignore[union-attr]
    "claim.position": Guard(lambda _, a, row: row.position == a.bell.position, ("position = ?",)),  # type: ignore[union-attr]
    "claim.state": Guard(lambda _, __, row: row.state is TicketState.READY, ("state = 'ready'",)),
    "claim.pause_requested": Guard(
        lambda _, __, row: not row.pause_requested,
        ("pause_requested = 0",),
        spare="a pause leaves no ticket ready: it holds those that are, and the end of a claim holds the others",
    ),
    "claim.available_at": Guard(lambda _, __, row: row.due, ("available_at <= ?",)),
    "claim.handler": Guard(lambda _, a, row: (a.worker, row.position) not in UNKNOWN, ("handler in ?",)),
    "begin.status": Guard(
        lambda world, _, __: world.status == "new",
        ("quest_id = ?", "status = 'new'"),
        spare="a ticket is claimed only while its quest is new or running, so the status comes out the same",
    ),
    "anew.claim_id": Guard(lambda _, a, run: not _same_claim(_, a, run), ("quest_id in ?", "claim_id in ?")),
    "mine.claim_id": Guard(_same_claim, ("quest_id = ?", "claim_id = ?")),
}

_HAND = {
    "hand.pause_requested": Guard(
        lambda _, __, row: not row.pause_requested, ("pause_requested = 0", "pause_requested = 1")
    ),
    "hand.handler": Guard(
        lambda _, a, row: (_asked(a).worker, row.position + 1) not in UNKNOWN,  # type: ignore[union-attr]
        ("s.tool_name in ?",),
    ),
    "hand.queue": Guard(lambda _, __, row: row.position + 1 != ELSEWHERE, ("s.queue = ?",)),
}

_RECORDED = {
    "recorded.claim_id": Guard(_same_claim, ("claim_id in ?",)),
    "recorded.status": Guard(lambda _, __, run: run.ended is Ended.SUCCESS, ("status = 'success'",)),
    "recorded.step": Guard(
        lambda _, a, run: run.position == _asked(a).position,
        ("quest_id in ?", "run_index in ?"),
        spare="they lead to an index; the claim id alone tells the run",
    ),
    "failed.claim_id": Guard(_same_claim, ("claim_id = ?",)),
    "failed.status": Guard(
        lambda _, __, run: run.ended is not Ended.SUCCESS,
        ("status = 'error'",),
        spare="a run that succeeded has no error message, and a claim that fails has not succeeded",
    ),
    # The text may be encrypted: it is compared once it is read.
    "failed.error_message": Guard(lambda _, __, run: run.ended is Ended.BROKEN, ()),
    "failed.step": Guard(
        lambda _, a, run: run.position == _asked(a).position,
        ("quest_id = ?", "run_index = ?"),
        spare="they lead to an index; the claim id alone tells the run",
    ),
}

_DEAD = ("workers.worker_id = tickets.worker_id", "workers.state = 'live'", "workers.lease_until > ?")
_AGAIN = "the write asks again"
_HARMLESS = "a bell for nothing does no harm"

_LOOPS = {
    "stray.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",), spare=_AGAIN),
    "stray.state": Guard(lambda _, __, row: row.state is TicketState.RUNNING, ("state = 'running'",), spare=_AGAIN),
    "stray.worker_id": Guard(lambda _, a, row: row.worker == a.worker, ("worker_id = ?",), spare=_AGAIN),
    "stray.claim_id": Guard(_same_claim, ("claim_id = ?",), spare=_AGAIN),
    "sweep.lease": Guard(lambda world, a, row: not a.look or not a.look.dead or dead(world, row), _DEAD),
    "sweep.deadline": Guard(lambda _, a, row: not a.look or a.look.dead or row.late, ("deadline <= ?",)),
    "look.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",)),
    "look.state": Guard(lambda _, __, row: row.state is TicketState.RUNNING, ("state = 'running'",), spare=_AGAIN),
    "look.over": Guard(lambda world, _, row: dead(world, row) or row.late, (*_DEAD, "deadline <= ?"), spare=_AGAIN),
    "declare.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",)),
    "declare.state": Guard(
        lambda _, __, row: row.lease is not Lease.LOST, ("state = 'live'",), spare="who is lost is lost"
    ),
    "declare.lease_until": Guard(lambda _, __, row: row.lease is not Lease.LIVE, ("lease_until <= ?",)),
    "renew.state": Guard(lambda _, __, row: row.lease is not Lease.LOST, ("state = 'live'",)),
    "redispatch.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",)),
    "redispatch.state": Guard(lambda _, __, row: row.state is TicketState.READY, ("state = 'ready'",), spare=_HARMLESS),
    "redispatch.available_at": Guard(lambda _, __, row: row.due, ("available_at <= ?",), spare=_HARMLESS),
}

_ADMIN = {
    "submit.absent": Guard(lambda world, _, __: world.status is None),
    "lock.namespace": Guard(lambda _, a, __: not a.outsider, ("namespace = ?",)),
    "hold.state": Guard(
        lambda _, __, row: row.state in {TicketState.READY, TicketState.WAITING}, ("state in ('ready', 'waiting')",)
    ),
    "unhold.state": Guard(lambda _, __, row: row.state is TicketState.HELD, ("state = 'held'",)),
    "replay.seen": Guard(lambda world, a, __: a.seen is None or a.seen == world.version),
    "replay.reached": Guard(lambda _, __, point: point is not None),
    "replay.remains": Guard(lambda _, __, point: point is None or point.position is not None),
}

GUARDS: dict[str, Guard] = {
    **_CLAIM,
    **_HAND,
    **_ends_a_claim("checkpoint"),
    **_ends_a_claim("fail"),
    **_ends_a_claim("release"),
    **_ends_a_claim("sweep"),
    **_RECORDED,
    **_LOOPS,
    **_verb("pause"),
    **_verb("resume"),
    **_verb("cancel"),
    **_verb("retry"),
    **_ADMIN,
}

#: Conditions of the code that the model leaves out, with the reason. Left out as a whole are what follows a guarded
#: write in its transaction and only names rows by their key, and what changes no state: rings, refusals and clean-ups
#: (`tests/contract` asks for both); and `wake`, as no step waits for anything but its time yet.
LEFT_OUT: dict[str, str] = {
    "redispatch: ring_at <= ?": "paces the rings; in the model a ring may come at any time",
    "redispatch: (quest_id, branch) in ?": "chooses a bounded batch, under the same conditions",
    "renew: worker_id = ?": "each worker is a row of the model, and renews that one",
    "lock: quest_id = ?": "the model has one quest",
    "hold: quest_id = ?": "the model has one quest",
    "unhold: quest_id = ?": "the model has one quest",
}
