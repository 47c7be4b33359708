"""How a claim ends other than with a result: an error, a lost worker, cut short, put off, or given back unspent.

Each function is one guarded transition inside the caller's transaction: it writes only while the claim
still holds its step, and says whether it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, delete, func, insert, literal, select, update

from questline_persistence.claims import Doorbell, Settled
from questline_persistence.clock import rfc3339
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason, TicketState
from questline_persistence.tables import quests, runs, snapshots, steps, still_in_state, tickets, workers

#: Longest error text kept with a run, in characters.
MAX_ERROR_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Ending:
    """One attempt that came to no result.

    `retry_in` is the wait before the step may run again in seconds, or None when the quest is to fail;
    `lost` tells that the worker died, which spends no attempt; `status` is that of the run.
    """

    quest_id: str
    epoch: int
    position: str
    claim_id: str
    worker_id: str | None
    attempt_number: int
    start_time: float
    end_time: float
    error: str
    retry_in: float | None
    lost: bool = False
    status: RunStatus = RunStatus.ERROR


def error_text(error: str) -> str:
    """Return an error as the stores can hold it: bounded, without NUL and lone surrogates, which they refuse."""
    return error[:MAX_ERROR_LENGTH].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


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


def end_badly(
    connection: Connection,
    ending: Ending,
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
    guard = holds(ending.quest_id, ending.epoch, ending.position, ending.claim_id)
    guard = guard if also is None else and_(guard, also)
    settled = (
        _fail_quest(connection, ending, guard, now, recorded=recorded)
        if ending.retry_in is None
        else _retry(connection, ending, guard, now)
    )
    if settled.won and recorded:
        record(connection, ending, now)
    return settled


def _retry(connection: Connection, ending: Ending, guard: ColumnElement[bool], now: float) -> Settled:
    """Give the step another attempt, unless a pause was asked for."""
    available = now + (ending.retry_in or 0.0)
    spent = {"lost": tickets.c.lost + 1} if ending.lost else {"attempt": tickets.c.attempt + 1}
    row = connection.execute(
        update(tickets)
        .where(guard)
        .values(
            **UNCLAIMED,
            **spent,
            state=case((tickets.c.pause_requested == 1, TicketState.HELD.value), else_=TicketState.READY.value),
            fence=tickets.c.fence + 1,
            version=tickets.c.version + tickets.c.pause_requested,
            available_at=available,
            # A retry that is due at once is rung by whoever ended the claim; a later one by the loops.
            ring_at=available if ending.retry_in else now + 1.0,
            dispatches=0,
        )
        .returning(tickets.c.version, tickets.c.pause_requested, tickets.c.fence, tickets.c.queue, tickets.c.priority)
    ).first()
    if row is None:
        return Settled(won=False)
    if row.pause_requested:
        settle_pause(connection, ending.quest_id, ending.epoch, ending.position, version=row.version, now=now)
        return Settled(won=True, status=ExecutionStatus.PAUSED)
    bell = Doorbell(ending.quest_id, ending.epoch, ending.position, row.fence, row.queue, row.priority, available)
    return Settled(won=True, doorbell=bell)


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
    connection: Connection, ending: Ending, guard: ColumnElement[bool], now: float, *, recorded: bool
) -> Settled:
    """Take the ticket away and mark the quest as failed, with an error snapshot."""
    newest = tickets.c.version + (1 if recorded else 0)
    row = connection.execute(delete(tickets).where(guard).returning(newest, tickets.c.fence + 1)).first()
    if row is None:
        return Settled(won=False)
    version, fence = row
    if recorded:
        connection.execute(
            insert(snapshots).values(
                quest_id=ending.quest_id,
                version=version,
                epoch=ending.epoch,
                position=ending.position,
                snapshot_reason=SnapshotReason.ERROR,
                created_at=rfc3339(now),
            )
        )
    connection.execute(
        update(quests)
        .where(quests.c.quest_id == ending.quest_id)
        .values(
            status=ExecutionStatus.FAILED,
            error=error_text(ending.error),
            **ended(now),
            version=version,
            fence=fence,
            updated_at=rfc3339(now),
        )
    )
    return Settled(won=True, status=ExecutionStatus.FAILED)


def record(connection: Connection, ending: Ending, now: float) -> None:
    """Add the attempt to the history; whoever ends it may have another idea of the time than who began it."""
    end_time = max(ending.start_time, ending.end_time)
    step = select(
        steps.c.quest_id,
        steps.c.epoch,
        steps.c.position,
        steps.c.lord_name,
        steps.c.tool_name,
        steps.c.occurrence,
        literal(ending.status.value),
        literal(ending.start_time),
        literal(end_time),
        literal(end_time - ending.start_time),
        steps.c.params,
        literal(error_text(ending.error)),
        literal(ending.attempt_number),
        steps.c.max_attempts,
        literal(rfc3339(max(now, end_time))),
        literal(ending.worker_id),
        literal(ending.claim_id),
        literal(1 if ending.lost else None, Integer),
        # Whoever ends an attempt may run another code than who ran it.
        select(func.nullif(workers.c.code_version, ""))
        .where(workers.c.worker_id == ending.worker_id)
        .scalar_subquery(),
    ).where(steps.c.quest_id == ending.quest_id, steps.c.epoch == ending.epoch, steps.c.position == ending.position)
    columns = (
        "quest_id epoch position lord_name tool_name run_index status start_time end_time duration_seconds "
        "input_data error_message attempt_number max_attempts created_at worker_id claim_id lost code_version"
    )
    connection.execute(insert(runs).from_select(columns.split(), step))


def give_back(
    connection: Connection,
    *,
    quest_id: str,
    epoch: int,
    position: str,
    claim_id: str,
    now: float,
    after: float | None = None,
) -> Settled:
    """Move a ticket from running to ready (or held) without spending an attempt.

    Parameters:
      after: seconds by which the step has asked to be put off, if it has.
    """
    available = now + (after or 0.0)
    row = connection.execute(
        update(tickets)
        .where(holds(quest_id, epoch, position, claim_id))
        .values(
            **UNCLAIMED,
            state=case((tickets.c.pause_requested == 1, TicketState.HELD.value), else_=TicketState.READY.value),
            fence=tickets.c.fence + 1,
            version=tickets.c.version + tickets.c.pause_requested,
            available_at=available,
            ring_at=available,
            dispatches=0,
            snoozed_until=None if after is None else available,
        )
        .returning(tickets.c.version, tickets.c.pause_requested, tickets.c.fence, tickets.c.queue, tickets.c.priority)
    ).first()
    if row is None:
        return Settled(won=False)
    if row.pause_requested:
        settle_pause(connection, quest_id, epoch, position, version=row.version, now=now)
        return Settled(won=True, status=ExecutionStatus.PAUSED)
    return Settled(
        won=True, doorbell=Doorbell(quest_id, epoch, position, row.fence, row.queue, row.priority, available)
    )
