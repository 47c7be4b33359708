"""Claim and checkpoint on SQLite: a few indexed statements per item, all in one BEGIN IMMEDIATE.

The write lock is held from the start, so nothing can come between a guard and its write; each write
carries its guard all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from questline_persistence.claims import (
    CLAIM_SLACK,
    REDISPATCH_FIRST,
    Checkpoint,
    Claim,
    ClaimRequest,
    Doorbell,
    Settled,
    claimed,
)
from questline_persistence.clock import rfc3339
from questline_persistence.driver import change, execute
from questline_persistence.payload import encode

_CLAIM = """
UPDATE tickets SET state = 'running', claim_id = :claim_id, worker_id = :worker_id, claimed_at = :now,
  fence = fence + 1, deadline = :now + (SELECT timeout_seconds FROM quest_steps s
                     WHERE s.quest_id = tickets.quest_id AND s.epoch = tickets.epoch AND s.position = tickets.position)
WHERE quest_id = :quest_id AND epoch = :epoch AND position = :position AND namespace = :namespace
  AND state = 'ready' AND pause_requested = 0 AND available_at <= :now + :slack
  AND handler IN (SELECT value FROM json_each(:handlers))
"""

_MINE = """
SELECT t.attempt + 1, t.claim_id, t.quest_id, t.epoch, t.position, t.lost, t.version, t.queue, t.fence,
  s.lord_name, s.tool_name, s.occurrence, s.params, s.max_attempts, s.timeout_seconds, s.backoff_seconds,
  q.quest_type, q.input_data, q.status
FROM tickets t
JOIN quest_steps s ON s.quest_id = t.quest_id AND s.epoch = t.epoch AND s.position = t.position
JOIN quest_executions q ON q.quest_id = t.quest_id
WHERE t.quest_id = :quest_id AND t.claim_id = :claim_id
"""

_ENDED = """
SELECT lord_runs.claim_id FROM lord_runs
WHERE quest_id IN (SELECT value FROM json_each(:quest_ids)) AND claim_id IN (SELECT value FROM json_each(:claim_ids))
"""

_BEGIN = """
UPDATE quest_executions SET status = 'running', start_time = :now, updated_at = :now_text
WHERE quest_id = :quest_id AND status = 'new'
"""

_NEXT = """
SELECT position, lord_name || ':' || tool_name, queue FROM quest_steps
WHERE quest_id = :quest_id AND epoch = :epoch AND position > :position ORDER BY position LIMIT 1
"""

_HOLDS = (
    "quest_id = :quest_id AND claim_id = :claim_id AND state = 'running' AND epoch = :epoch AND position = :position"
)

_MOVE = f"""
UPDATE tickets SET state = CASE WHEN pause_requested = 1 THEN 'held' ELSE 'ready' END,
  position = :next_position, handler = :next_handler, queue = :next_queue,
  claim_id = NULL, worker_id = NULL, claimed_at = NULL, deadline = NULL,
  attempt = 0, lost = 0, refusals = 0, dispatches = 0, fence = fence + 1,
  version = version + 1 + pause_requested, available_at = :now, ring_at = :now + :redispatch
WHERE {_HOLDS}
RETURNING version - pause_requested, pause_requested, fence, queue, priority
"""  # noqa: S608  (put together from the constant above)

_GONE = f"DELETE FROM tickets WHERE {_HOLDS} RETURNING version + 1, fence + 1"  # noqa: S608  (as above)

_RUN = """
INSERT INTO lord_runs (quest_id, epoch, position, version, lord_name, tool_name, run_index, status, start_time,
  end_time, duration_seconds, input_data, output_data, attempt_number, max_attempts, created_at, worker_id, claim_id)
VALUES (:quest_id, :epoch, :position, :version, :lord_name, :tool_name, :occurrence, 'success', :start_time, :end_time,
  :end_time - :start_time, :params, :output, :attempt, :max_attempts, :now_text, :worker_id, :claim_id)
"""

_SNAPSHOT = """
INSERT INTO quest_snapshots (quest_id, version, epoch, position, snapshot_reason, created_at)
VALUES (:quest_id, :version, :epoch, :next_position, :reason, :now_text)
"""

_COMPLETE = """
UPDATE quest_executions SET status = 'completed', output_data = :output, end_time = :now,
  duration_seconds = :now - coalesce(start_time, :start_time), version = :version, fence = :fence, error = NULL,
  updated_at = :now_text
WHERE quest_id = :quest_id
"""

_PAUSE = "UPDATE quest_executions SET status = 'paused', updated_at = :now_text WHERE quest_id = :quest_id"


def claim(
    connection: Connection,
    wishes: Sequence[ClaimRequest],
    *,
    worker_id: str,
    namespace: str,
    handlers: list[str],
    now: float,
) -> list[Claim]:
    """Move ready tickets to running, for each wish that finds one; return the claims won."""
    common = {"worker_id": worker_id, "namespace": namespace, "now": now, "slack": CLAIM_SLACK}
    common["handlers"] = encode(handlers, what="handlers")
    won = [wish for wish in wishes if change(connection, _CLAIM, common | _wish(wish))]
    return mine(connection, won, worker_id=worker_id, namespace=namespace, now=now)


def mine(
    connection: Connection, wishes: Sequence[ClaimRequest], *, worker_id: str, namespace: str, now: float
) -> list[Claim]:
    """Return the claims among `wishes` that are held, and mark their quests as running."""
    claims = []
    for wish in wishes:
        for *row, status in execute(connection, _MINE, _wish(wish)):
            claims.append(claimed(row, worker_id=worker_id, namespace=namespace, now=now))
            if status == "new":
                execute(connection, _BEGIN, {"quest_id": wish.quest_id, "now": now, "now_text": rfc3339(now)})
    return claims


def ended(connection: Connection, wishes: Sequence[ClaimRequest]) -> set[str]:
    """Return which of the claims have a run in the history: they were won before, and have ended since."""
    quest_ids, claim_ids = [wish.quest_id for wish in wishes], [wish.claim_id for wish in wishes]
    values = {"quest_ids": encode(quest_ids, what="ids"), "claim_ids": encode(claim_ids, what="ids")}
    return {row[0] for row in execute(connection, _ENDED, values)}


def _wish(wish: ClaimRequest) -> dict[str, Any]:
    return {"quest_id": wish.quest_id, "epoch": wish.epoch, "position": wish.position, "claim_id": wish.claim_id}


def checkpoint(connection: Connection, ends: Sequence[Checkpoint], *, now: float) -> dict[str, Settled]:
    """Commit results and move their tickets on; return what became of each claim that still held its step."""
    settled = {}
    for end in ends:
        outcome = _advance(connection, end, now)
        if outcome is not None:
            settled[end.claim.claim_id] = outcome
    return settled


def _advance(connection: Connection, end: Checkpoint, now: float) -> Settled | None:
    """Commit one result; None when the claim no longer holds the step."""
    values = _values(end, now)
    rest = execute(connection, _NEXT, values)
    if not rest:
        return _complete(connection, values)
    ahead = rest[0]
    values |= {"next_position": ahead[0], "next_handler": ahead[1], "next_queue": ahead[2], "reason": "checkpoint"}
    moved = execute(connection, _MOVE, values)
    if not moved:
        return None
    values["version"], paused, fence, queue, priority = moved[0]
    execute(connection, _RUN, values)
    execute(connection, _SNAPSHOT, values)
    if paused:
        return _pause(connection, values)
    return Settled(
        won=True, doorbell=Doorbell(values["quest_id"], values["epoch"], ahead[0], fence, queue, priority, now)
    )


def _complete(connection: Connection, values: dict[str, Any]) -> Settled | None:
    """Commit the last result: the ticket goes, the quest is completed."""
    gone = execute(connection, _GONE, values)
    if not gone:
        return None
    version, fence = gone[0]
    values |= {"version": version, "fence": fence, "next_position": None, "reason": "completed"}
    for statement in (_RUN, _SNAPSHOT, _COMPLETE):
        execute(connection, statement, values)
    return Settled(won=True, status="completed")


def _pause(connection: Connection, values: dict[str, Any]) -> Settled:
    """Carry out the pause that was asked for while the step ran."""
    execute(connection, _SNAPSHOT, values | {"version": values["version"] + 1, "reason": "pause"})
    execute(connection, _PAUSE, values)
    return Settled(won=True, status="paused")


def _values(end: Checkpoint, now: float) -> dict[str, Any]:
    held = end.claim
    return {
        "quest_id": held.quest_id,
        "epoch": held.epoch,
        "position": held.position,
        "claim_id": held.claim_id,
        "worker_id": held.worker_id,
        "lord_name": held.lord_name,
        "tool_name": held.tool_name,
        "occurrence": held.occurrence,
        "params": held.params_json,
        "attempt": held.attempt,
        "max_attempts": held.max_attempts,
        "start_time": held.start_time,
        "end_time": end.end_time,
        "output": end.output,
        "now": now,
        "now_text": rfc3339(now),
        "redispatch": REDISPATCH_FIRST,
    }
