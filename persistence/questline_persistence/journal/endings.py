"""How a claim ends other than with a result: an error, a lost worker, cut short, put off, or given back unspent.

Each function is one guarded transition inside the caller's transaction: it writes only while the claim
still holds its step, and says whether it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from questline_persistence.claims import Doorbell, Settled
from questline_persistence.clock import rfc3339
from questline_persistence.dialects import dialect_of
from questline_persistence.journal.ended_attempt import EndedAttempt, error_text, record
from questline_persistence.schema import BELL, order_of_locks, quests, sealed, snapshots, still_in_state, tickets
from questline_persistence.states import ExecutionStatus, SnapshotReason, TicketState
from questline_persistence.suspicion import Loss


def holds(quest_id: str, epoch: int, position: str, claim_id: str) -> ColumnElement[bool]:
    """Return the guard of every write that ends a claim: it still holds the step."""
    return and_(
        tickets.c.quest_id == quest_id,
        tickets.c.claim_id == claim_id,
        still_in_state(TicketState.RUNNING),
        tickets.c.epoch == epoch,
        tickets.c.position == position,
    )


def ended(now: float) -> dict[str, Any]:
    """Return the columns of a quest that ends `now`, which another process may have begun by a clock a little ahead."""
    began = func.coalesce(quests.c.start_time, now)
    end_time = case((began > now, began), else_=now)
    return {"end_time": end_time, "duration_seconds": end_time - quests.c.start_time}


#: What a ticket's columns become when no claim holds it.
UNCLAIMED: dict[str, Any] = {"claim_id": None, "worker_id": None, "claimed_at": None, "deadline": None}


def end_attempt(
    connection: Connection,
    attempt: EndedAttempt,
    *,
    now: float,
    also: ColumnElement[bool] | None = None,
    recorded: bool = True,
) -> Settled:
    """Move a ticket from running to ready after a back-off, to held, or fail its quest; record the run.

    Parameters:
      also: a further condition, checked in the same statement.
      recorded: False leaves the run out, and the snapshot of a failed quest, where the store takes none: the attempt
        must count all the same.
    """
    guard = holds(attempt.quest_id, attempt.epoch, attempt.position, attempt.claim_id)
    guard = guard if also is None else and_(guard, also)
    settled = (
        _fail_quest(connection, attempt, guard, now, recorded=recorded)
        if attempt.outcome.retry_in is None
        else _retry(connection, attempt, guard, now)
    )
    if settled.won and recorded:
        record(connection, [attempt], now)
    return settled


def end_attempts(
    connection: Connection, attempts: Sequence[EndedAttempt], *, now: float, also: ColumnElement[bool]
) -> list[tuple[EndedAttempt, Settled]]:
    """Move tickets from running to ready after their back-offs, or to held, all at once; record their runs.

    A ticket that somebody else has locked at the moment is left out.

    Parameters:
      attempts: attempts that are all to be followed by another, and either all lost their worker or none did.
      also: a further condition, checked in the same statement on each.

    Returns:
      Those whose claim still held the step.
    """
    mine = lock_where_free(connection, attempts)
    if not mine:
        return []
    change = update(tickets).where(_hold(mine), also).values(**_tried_again(mine, now))
    rows = connection.execute(change.returning(*_AGAIN)).all()
    by_step = {(attempt.quest_id, attempt.epoch, attempt.position): attempt for attempt in mine}
    won = [(by_step[row.quest_id, row.epoch, row.position], row) for row in rows]
    record(connection, [attempt for attempt, _ in won], now)
    return [(attempt, _offered(connection, row, now)) for attempt, row in won]


def lock_where_free(connection: Connection, attempts: Sequence[EndedAttempt]) -> list[EndedAttempt]:
    """Lock the tickets of attempts, then their quests, where nobody else has; return the attempts that still go on.

    A quest that somebody has locked cannot be changed, and its history takes nothing either.
    """
    dialect = dialect_of(connection)
    dialect.plan_by_keys(connection)  # else each ticket there is may be compared with each of these
    found = select(tickets.c.quest_id, tickets.c.claim_id).where(_hold(attempts))
    order = order_of_locks(dialect)
    held = connection.execute(found.order_by(*order).with_for_update(skip_locked=True)).all()
    theirs = select(quests.c.quest_id).where(quests.c.quest_id.in_([row.quest_id for row in held]))
    free = {*connection.execute(theirs.with_for_update(key_share=True, skip_locked=True)).scalars()}
    claims = {row.claim_id for row in held if row.quest_id in free}
    return [attempt for attempt in attempts if attempt.claim_id in claims]


def _hold(attempts: Sequence[EndedAttempt]) -> ColumnElement[bool]:
    """Return the guard of what ends several claims: a ticket is still held by one of them."""
    claims = tuple_(tickets.c.quest_id, tickets.c.epoch, tickets.c.position, tickets.c.claim_id)
    return and_(
        tickets.c.quest_id.in_([attempt.quest_id for attempt in attempts]),  # leads to the rows
        claims.in_([(attempt.quest_id, attempt.epoch, attempt.position, attempt.claim_id) for attempt in attempts]),
        still_in_state(TicketState.RUNNING),
    )


def _retry(connection: Connection, attempt: EndedAttempt, guard: ColumnElement[bool], now: float) -> Settled:
    """Give the step another attempt, unless a pause was asked for."""
    change = update(tickets).where(guard).values(**_tried_again([attempt], now)).returning(*_AGAIN)
    row = connection.execute(change).first()
    return Settled(won=False) if row is None else _offered(connection, row, now)


#: What is to be known of tickets that went back: the columns of their bells, and whether they are ready.
_AGAIN = (*BELL, tickets.c.version, tickets.c.pause_requested)


def _tried_again(attempts: Sequence[EndedAttempt], now: float) -> dict[str, Any]:
    """Return what becomes of the columns of tickets that get another attempt, unless a pause was asked for."""
    waits = {attempt.claim_id: attempt.outcome.retry_in or 0.0 for attempt in attempts}
    losses = {attempt.claim_id: attempt.loss for attempt in attempts if attempt.loss is not None}
    return {
        **_back(
            _each({claim: now + wait for claim, wait in waits.items()}),
            # A retry that is due at once is rung by whoever ended the claim; a later one by the loops.
            ring_at=_each({claim: now + (wait or 1.0) for claim, wait in waits.items()}),
        ),
        **(_borne(losses) if losses else {"attempt": tickets.c.attempt + int(attempts[0].spends)}),
    }


def _back(available_at: Any, *, ring_at: Any) -> dict[str, Any]:
    """Return the columns of a ticket that no claim holds any more: ready again, or held if a pause was asked for."""
    return {
        **UNCLAIMED,
        "state": case((tickets.c.pause_requested == 1, TicketState.HELD.value), else_=TicketState.READY.value),
        "fence": tickets.c.fence + 1,
        "version": tickets.c.version + tickets.c.pause_requested,
        "available_at": available_at,
        "ring_at": ring_at,
        "dispatches": 0,
    }


def _borne(losses: Mapping[str, Loss]) -> dict[str, Any]:
    """Return what becomes of the columns that tell of lost workers; all but `lost` mean nothing while that is 0."""
    charged = case((tickets.c.lost > 0, tickets.c.lost_alone), else_=0)
    return {
        "lost": tickets.c.lost + 1,
        "lost_alone": charged + _each({claim: int(loss.charged) for claim, loss in losses.items()}),
        "company": _each({claim: loss.company for claim, loss in losses.items()}),
    }


def _each(values: Mapping[str, Any]) -> Any:
    """Return a value that goes by the claim; it stands alone where it is everybody's."""
    one, *others = set(values.values())
    return case(dict(values), value=tickets.c.claim_id) if others else one


def _offered(connection: Connection, row: Row[Any], now: float) -> Settled:
    """Return what became of a ticket that went back, and settle the pause if one was asked for."""
    if row.pause_requested:
        settle_pause(connection, row.quest_id, row.epoch, row.position, version=row.version, now=now)
        return Settled(won=True, status=ExecutionStatus.PAUSED)
    found = (row.quest_id, row.epoch, row.position, row.fence, row.queue, row.priority, row.available_at)
    return Settled(won=True, doorbell=Doorbell(*found))


def settle_pause(connection: Connection, quest_id: str, epoch: int, position: str, *, version: int, now: float) -> None:
    """Mark a quest whose tickets are all held as paused, with a snapshot at `version`."""
    connection.execute(
        insert(snapshots).values(
            quest_id=quest_id,
            version=version,
            epoch=epoch,
            position=position,
            snapshot_reason=SnapshotReason.PAUSE,
            created_at=rfc3339(now),
        )
    )
    connection.execute(
        update(quests)
        .where(quests.c.quest_id == quest_id)
        .values(status=ExecutionStatus.PAUSED, updated_at=rfc3339(now))
    )


def _fail_quest(
    connection: Connection, attempt: EndedAttempt, guard: ColumnElement[bool], now: float, *, recorded: bool
) -> Settled:
    """Take the ticket away and mark the quest as failed, with an error snapshot."""
    newest = tickets.c.version + (1 if recorded else 0)
    gone = delete(tickets).where(guard).returning(newest, tickets.c.fence + 1, tickets.c.namespace)
    row = connection.execute(gone).first()
    if row is None:
        return Settled(won=False)
    version, fence, namespace = row
    if recorded:
        connection.execute(
            insert(snapshots).values(
                quest_id=attempt.quest_id,
                version=version,
                epoch=attempt.epoch,
                position=attempt.position,
                snapshot_reason=SnapshotReason.ERROR,
                created_at=rfc3339(now),
            )
        )
    failed = {"status": ExecutionStatus.FAILED, "error": error_text(attempt.outcome.error)}
    connection.execute(
        update(quests)
        .where(quests.c.quest_id == attempt.quest_id)
        .values(
            **sealed(connection, quests, failed, namespace=namespace, quest_id=attempt.quest_id),
            **ended(now),
            version=version,
            fence=fence,
            updated_at=rfc3339(now),
        )
    )
    return Settled(won=True, status=ExecutionStatus.FAILED)


def release(
    connection: Connection,
    *,
    quest_id: str,
    epoch: int,
    position: str,
    claim_id: str,
    now: float,
    after: float | None = None,
    quiet: float = 0.0,
) -> Settled:
    """Move a ticket from running to ready (or held) without spending an attempt.

    Parameters:
      after: seconds by which the step has asked to be put off, if it has.
      quiet: seconds for which nobody is told that it is ready.
    """
    available = now + (after or 0.0) + quiet
    values = _back(available, ring_at=available) | {"snoozed_until": None if after is None else available}
    change = update(tickets).where(holds(quest_id, epoch, position, claim_id)).values(**values).returning(*_AGAIN)
    row = connection.execute(change).first()
    return Settled(won=False) if row is None else _offered(connection, row, now)
