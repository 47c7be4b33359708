"""Claim and checkpoint on SQLite: a few indexed statements per item, all in one BEGIN IMMEDIATE.

The write lock is held from the start, so nothing can come between a guard and its write; each write
carries its guard all the same. What is only added is added for the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from questline_persistence.claims import (
    CLAIM_SLACK,
    REDISPATCH_FIRST,
    Checkpoint,
    Claim,
    ClaimRequest,
    Settled,
    Succeeded,
    claimed,
    settled_by,
)
from questline_persistence.clock import rfc3339
from questline_persistence.dialects.columns import NEXT_STEP, RUN, SNAPSHOT, claim_columns, listed
from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.sqlite.rows import insert
from questline_persistence.payload import encode
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason

# `state || ''` keeps the planner from reading all tickets of a state by their index: each is looked up by its key.
_CLAIM = """
UPDATE tickets SET state = 'running', claim_id = :claim_id, worker_id = :worker_id, claimed_at = :now,
  fence = fence + 1, deadline = :now + (SELECT timeout_seconds FROM quest_steps s
                     WHERE s.quest_id = tickets.quest_id AND s.epoch = tickets.epoch AND s.position = tickets.position)
WHERE quest_id = :quest_id AND epoch = :epoch AND position = :position AND namespace = :namespace
  AND state || '' = 'ready' AND pause_requested = 0 AND available_at <= :now + :slack
  AND handler IN (SELECT value FROM json_each(:handlers))
"""

_MINE = f"""
SELECT {claim_columns("t", "s", "q")}, q.status
FROM tickets t
JOIN quest_steps s ON s.quest_id = t.quest_id AND s.epoch = t.epoch AND s.position = t.position
JOIN quest_executions q ON q.quest_id = t.quest_id
WHERE t.quest_id = :quest_id AND t.claim_id = :claim_id
"""  # noqa: S608  (of the columns' names)

_ENDED = """
SELECT lord_runs.claim_id FROM lord_runs
WHERE quest_id IN (SELECT value FROM json_each(:quest_ids)) AND claim_id IN (SELECT value FROM json_each(:claim_ids))
"""

_BEGIN = """
UPDATE quest_executions SET status = 'running', start_time = :now, updated_at = :now_text
WHERE quest_id = :quest_id AND status = 'new'
"""

_NEXT = f"""
SELECT {listed(NEXT_STEP)}, queue
FROM quest_steps
WHERE quest_id = :quest_id AND epoch = :epoch AND position > :position ORDER BY position LIMIT 1
"""  # noqa: S608  (as above)

_HOLDS = (
    "quest_id = :quest_id AND claim_id = :claim_id AND state || '' = 'running' AND epoch = :epoch "
    "AND position = :position"
)

_MOVE = f"""
UPDATE tickets SET
  state = CASE WHEN pause_requested = 1 THEN 'held' WHEN :next_claim IS NULL THEN 'ready' ELSE 'running' END,
  claim_id = CASE WHEN pause_requested = 0 THEN :next_claim END,
  worker_id = CASE WHEN pause_requested = 0 THEN :next_worker END,
  claimed_at = CASE WHEN pause_requested = 0 AND :next_claim IS NOT NULL THEN :now END,
  deadline = CASE WHEN pause_requested = 0 THEN :now + :next_seconds END,
  position = :next_position, handler = :next_handler, queue = :next_queue,
  attempt = 0, lost = 0, refusals = 0, dispatches = 0, fence = fence + 1,
  version = version + 1 + pause_requested, available_at = :now, ring_at = :now + :redispatch
WHERE {_HOLDS}
RETURNING fence, version - pause_requested, pause_requested, queue, priority, claim_id
"""  # noqa: S608  (put together from the constant above)

# Where the next step goes on at once, under the same worker, what the indexes hold of its ticket stays as it is. SQLite
# would write their pages all the same for a column that is set to what it was: a twelfth of a step's time on a disk.
_GO_ON = f"""
UPDATE tickets SET
  claim_id = :next_claim, claimed_at = :now, deadline = :now + :next_seconds,
  position = :next_position, handler = :next_handler, queue = :next_queue,
  attempt = 0, lost = 0, refusals = 0, dispatches = 0, fence = fence + 1, version = version + 1
WHERE {_HOLDS} AND pause_requested = 0 AND worker_id = :next_worker
RETURNING fence, version, pause_requested, queue, priority, claim_id
"""  # noqa: S608  (as above)

_GONE = f"DELETE FROM tickets WHERE {_HOLDS} RETURNING version + 1, fence + 1"  # noqa: S608  (as above)

_RUN = f"INSERT INTO lord_runs ({listed(RUN)}) VALUES {{rows}}"  # noqa: S608  (of the columns' names)
_SNAPSHOT = f"INSERT INTO quest_snapshots ({listed(SNAPSHOT)}) VALUES {{rows}}"  # noqa: S608  (as above)
#: By which names the values of a snapshot are known: that of `position` is another column's as well.
_SNAPSHOT_VALUES = tuple({"position": "next_position"}.get(name, name) for name in SNAPSHOT)

_COMPLETE = """
UPDATE quest_executions SET status = 'completed', output_data = coalesce(:last, :output_data),
  end_time = max(:now, coalesce(start_time, :now)),
  duration_seconds = max(:now - coalesce(start_time, :start_time), 0.0),
  version = :version, fence = :fence, error = NULL, updated_at = :updated_at
WHERE quest_id = :quest_id
"""

_PAUSE = "UPDATE quest_executions SET status = 'paused', updated_at = :updated_at WHERE quest_id = :quest_id"


def claim(
    connection: Connection,
    requests: Sequence[ClaimRequest],
    *,
    worker_id: str,
    namespace: str,
    handlers: list[str],
    now: float,
) -> list[Claim]:
    """Move ready tickets to running, for each request that finds one; return the claims won."""
    common = {"worker_id": worker_id, "namespace": namespace, "now": now, "slack": CLAIM_SLACK}
    common["handlers"] = _listed(tuple(handlers))
    for request in requests:
        execute(connection, _CLAIM, common | _asked(request))
    return mine(connection, requests, worker_id=worker_id, namespace=namespace, now=now)


def mine(
    connection: Connection, requests: Sequence[ClaimRequest], *, worker_id: str, namespace: str, now: float
) -> list[Claim]:
    """Return the claims among `requests` that are held, and mark their quests as running."""
    claims = []
    for request in requests:
        for *row, status in execute(connection, _MINE, _asked(request)):
            claims.append(claimed(row, worker_id=worker_id, namespace=namespace, now=now))
            if status == ExecutionStatus.NEW:
                execute(connection, _BEGIN, {"quest_id": request.quest_id, "now": now, "now_text": rfc3339(now)})
    return claims


@lru_cache(maxsize=8)
def _listed(handlers: tuple[str, ...]) -> str:
    return encode(handlers, what="handlers")


def ended(connection: Connection, requests: Sequence[ClaimRequest]) -> set[str]:
    """Return which of the claims have a run in the history: they were won before, and have ended since."""
    quest_ids, claim_ids = [request.quest_id for request in requests], [request.claim_id for request in requests]
    values = {"quest_ids": encode(quest_ids, what="ids"), "claim_ids": encode(claim_ids, what="ids")}
    return {row[0] for row in execute(connection, _ENDED, values)}


def _asked(request: ClaimRequest) -> dict[str, Any]:
    return {
        "quest_id": request.quest_id,
        "epoch": request.epoch,
        "position": request.position,
        "claim_id": request.claim_id,
    }


def checkpoint(
    connection: Connection,
    checkpoints: Sequence[Checkpoint[Succeeded]],
    *,
    worker_id: str,
    handlers: list[str],
    now: float,
    code_version: str | None = None,
) -> dict[str, Settled]:
    """Commit results and move their tickets on; return what became of each claim that still held its step."""
    won = []
    for each in checkpoints:
        values = _values(each, now, code_version)
        settled = _advance(connection, each, values, worker_id, handlers)
        if settled is not None:
            won.append((values, settled))
    _record(connection, won)
    return {values["claim_id"]: settled for values, settled in won}


def _advance(
    connection: Connection,
    checkpoint: Checkpoint[Succeeded],
    values: dict[str, Any],
    worker_id: str,
    handlers: list[str],
) -> Settled | None:
    """Move one ticket on; None when the claim no longer holds the step."""
    rest = execute(connection, _NEXT, values)
    if not rest:
        return _take_away(connection, values)
    step = rest[0]
    values |= _ahead(checkpoint, step, handlers, worker_id)
    moved = (values["next_claim"] and execute(connection, _GO_ON, values)) or execute(connection, _MOVE, values)
    if not moved:
        return None
    values["version"] = moved[0][1]
    return settled_by(checkpoint.claim, [*moved[0], *step[:-1]], worker_id=worker_id, now=values["now"])


def _ahead(
    checkpoint: Checkpoint[Succeeded], step: Sequence[Any], handlers: list[str], worker_id: str
) -> dict[str, Any]:
    """Return how a ticket stands at its next step, and who has it if its claim is asked for and may run here."""
    position, lord_name, tool_name, _, _, _, timeout_seconds, _, queue = step
    handler = f"{lord_name}:{tool_name}"
    goes_on = checkpoint.next_claim_id is not None and handler in handlers and queue == checkpoint.claim.queue
    return {
        "next_position": position,
        "next_handler": handler,
        "next_queue": queue,
        "next_claim": checkpoint.next_claim_id if goes_on else None,
        "next_worker": worker_id if goes_on else None,
        "next_seconds": timeout_seconds if goes_on else None,
        "snapshot_reason": SnapshotReason.CHECKPOINT.value,
    }


def _take_away(connection: Connection, values: dict[str, Any]) -> Settled | None:
    """Delete the ticket of a quest that has no step ahead."""
    gone = execute(connection, _GONE, values)
    if not gone:
        return None
    version, fence = gone[0]
    values |= {
        "version": version,
        "fence": fence,
        "next_position": None,
        "snapshot_reason": SnapshotReason.COMPLETED.value,
    }
    return Settled(won=True, status=ExecutionStatus.COMPLETED)


def _record(connection: Connection, won: Sequence[tuple[dict[str, Any], Settled]]) -> None:
    """Write what was won: runs, snapshots, and the quests that have completed or paused."""
    rows = [values for values, _ in won]
    insert(connection, _RUN, RUN, rows)
    insert(connection, _SNAPSHOT, _SNAPSHOT_VALUES, rows)
    for values, settled in won:
        if settled.status is ExecutionStatus.COMPLETED:
            execute(connection, _COMPLETE, values)
        elif settled.status is ExecutionStatus.PAUSED:
            pause = {"version": values["version"] + 1, "snapshot_reason": SnapshotReason.PAUSE.value}
            insert(connection, _SNAPSHOT, _SNAPSHOT_VALUES, [values | pause])
            execute(connection, _PAUSE, values)


def _values(checkpoint: Checkpoint[Succeeded], now: float, code_version: str | None) -> dict[str, Any]:
    claim, stamp = checkpoint.claim, rfc3339(max(now, checkpoint.end_time))
    return {
        "quest_id": claim.quest_id,
        "epoch": claim.epoch,
        "position": claim.position,
        "claim_id": claim.claim_id,
        "worker_id": claim.worker_id,
        "code_version": code_version,
        "namespace": claim.namespace,
        "lord_name": claim.lord_name,
        "tool_name": claim.tool_name,
        "run_index": claim.occurrence,
        "status": RunStatus.SUCCESS.value,
        "input_data": claim.params_json,
        "attempt_number": claim.attempt,
        "max_attempts": claim.max_attempts,
        "start_time": claim.start_time,
        "end_time": checkpoint.end_time,
        "duration_seconds": checkpoint.end_time - claim.start_time,
        "output_data": checkpoint.outcome.output,
        "last": checkpoint.outcome.last,
        "now": now,
        "created_at": stamp,
        "updated_at": stamp,
        "redispatch": REDISPATCH_FIRST,
    }
