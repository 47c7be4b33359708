"""Claim and checkpoint on PostgreSQL: each one set-based statement, and so one round trip and one transaction.

Every write is guarded by the claim in its own WHERE, which PostgreSQL evaluates again on the locked row
when it had to wait for one (READ COMMITTED, "EvalPlanQual"); no row is read first and written later.
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
    Settled,
    Succeeded,
    claimed,
    settled_by,
)
from questline_persistence.clock import rfc3339
from questline_persistence.dialects.columns import NEXT_STEP, RUN, SNAPSHOT, claim_columns, listed
from questline_persistence.dialects.driver import execute

# `state || ''` keeps the planner from reading all ready tickets by their index: it is to look each one up by its key.
# `= ANY` says what the join says: where PostgreSQL takes `tickets` for a row long, since it was vacuumed while it was
# empty, it joins from there, and would read all that wait for each batch.
_CLAIM = f"""
WITH request AS (
  SELECT * FROM unnest(%(quest_ids)s::text[], %(epochs)s::int[], %(positions)s::text[], %(claim_ids)s::text[])
    AS request(quest_id, epoch, position, claim_id)
), won AS (
  UPDATE tickets t
  SET state = 'running', claim_id = request.claim_id, worker_id = %(worker_id)s, claimed_at = %(now)s,
      deadline = %(now)s + s.timeout_seconds, fence = t.fence + 1
  FROM request
  JOIN quest_steps s ON s.quest_id = request.quest_id AND s.epoch = request.epoch AND s.position = request.position
  WHERE t.quest_id = request.quest_id AND t.quest_id = ANY(%(quest_ids)s) AND t.epoch = request.epoch
    AND t.position = request.position
    AND t.namespace = %(namespace)s AND t.state || '' = 'ready' AND t.pause_requested = 0
    AND t.available_at <= %(now)s + %(slack)s AND t.handler = ANY(%(handlers)s)
  RETURNING {claim_columns("t", "s")}
), begun AS (
  UPDATE quest_executions q SET status = 'running', start_time = %(now)s, updated_at = %(now_text)s
  FROM won WHERE q.quest_id = won.quest_id AND q.status || '' = 'new'
)
SELECT won.*, {claim_columns("q")} FROM won JOIN quest_executions q ON q.quest_id = won.quest_id
"""  # noqa: S608  (of the columns' names)

_MINE = f"""
SELECT {claim_columns("t", "s", "q")}
FROM tickets t
JOIN quest_steps s ON s.quest_id = t.quest_id AND s.epoch = t.epoch AND s.position = t.position
JOIN quest_executions q ON q.quest_id = t.quest_id
WHERE t.quest_id = ANY(%(quest_ids)s) AND t.claim_id = ANY(%(claim_ids)s)
"""  # noqa: S608  (of the columns' names)

_ENDED = """
SELECT lord_runs.claim_id FROM lord_runs WHERE quest_id = ANY(%(quest_ids)s) AND claim_id = ANY(%(claim_ids)s)
"""

#: What is read of the next step besides its place.
_OPTIONS = NEXT_STEP[1:]
_NONE_AHEAD = dict.fromkeys(NEXT_STEP, "NULL")
#: Where a column of the history is not what was sent under its name.
_OF_RUN = {
    "version": "won.version",
    "lord_name": "s.lord_name",
    "tool_name": "s.tool_name",
    "run_index": "s.occurrence",
    "status": "'success'",
    "duration_seconds": "done.end_time - done.start_time",
    "input_data": "s.params",
    "output_data": "done.output",
    "attempt_number": "a.attempt",
    "max_attempts": "s.max_attempts",
    "created_at": "%(now_text)s",
    "worker_id": "a.worker_id",
    "code_version": "%(code_version)s::text",
    "namespace": "%(namespace)s::text",
}
_OF_SNAPSHOT = {
    "version": "won.version",
    "position": "won.next_position",
    "snapshot_reason": "won.reason",
    "created_at": "%(now_text)s",
}
_OF_PAUSE = {"version": "version + 1", "snapshot_reason": "'pause'", "created_at": "%(now_text)s"}

# Where the next step is claimed too, the ticket goes on as running: then none of the columns that an index knows
# changes, and PostgreSQL need not touch an index at all ("HOT").
_CHECKPOINT = f"""
WITH done AS (
  SELECT * FROM unnest(%(quest_ids)s::text[], %(epochs)s::int[], %(positions)s::text[], %(claim_ids)s::text[],
                       %(outputs)s::text[], %(lasts)s::text[], %(starts)s::float8[], %(ends)s::float8[],
                       %(next_claims)s::text[], %(queues)s::text[])
    AS done(quest_id, epoch, position, claim_id, output, last, start_time, end_time, next_claim, queue)
), ahead AS (
  SELECT done.quest_id, done.epoch, done.position, done.claim_id, s.position AS next_position,
    s.lord_name || ':' || s.tool_name AS next_handler, s.queue AS next_queue,
    {listed(_OPTIONS, of="s")},
    CASE WHEN s.lord_name || ':' || s.tool_name = ANY(%(handlers)s) AND s.queue = done.queue
      THEN done.next_claim END AS next_claim
  FROM done LEFT JOIN LATERAL (
    SELECT {listed(NEXT_STEP)}, queue
    FROM quest_steps WHERE quest_id = done.quest_id AND epoch = done.epoch AND position > done.position
    ORDER BY position LIMIT 1
  ) s ON TRUE
), moved AS (
  UPDATE tickets t
  SET state = CASE WHEN t.pause_requested = 1 THEN 'held' WHEN ahead.next_claim IS NULL THEN 'ready' ELSE 'running' END,
      claim_id = CASE WHEN t.pause_requested = 0 THEN ahead.next_claim END,
      worker_id = CASE WHEN t.pause_requested = 0 AND ahead.next_claim IS NOT NULL THEN %(worker_id)s END,
      claimed_at = CASE WHEN t.pause_requested = 0 AND ahead.next_claim IS NOT NULL THEN %(now)s END,
      deadline = CASE WHEN t.pause_requested = 0 AND ahead.next_claim IS NOT NULL
        THEN %(now)s + ahead.timeout_seconds END,
      available_at = CASE WHEN t.pause_requested = 0 AND ahead.next_claim IS NOT NULL
        THEN t.available_at ELSE %(now)s END,
      ring_at = CASE WHEN t.pause_requested = 0 AND ahead.next_claim IS NOT NULL
        THEN t.ring_at ELSE %(now)s + %(redispatch)s END,
      position = ahead.next_position, handler = ahead.next_handler, queue = ahead.next_queue,
      attempt = 0, lost = 0, refusals = 0, dispatches = 0, fence = t.fence + 1,
      version = t.version + 1 + t.pause_requested
  FROM ahead
  WHERE ahead.next_position IS NOT NULL AND t.quest_id = ahead.quest_id AND t.quest_id = ANY(%(quest_ids)s)
    AND t.claim_id = ahead.claim_id
    AND t.state || '' = 'running' AND t.epoch = ahead.epoch AND t.position = ahead.position
  RETURNING ahead.claim_id, t.quest_id, t.epoch, t.position, t.version - t.pause_requested AS version,
    t.pause_requested, t.fence, t.queue, t.priority, t.claim_id AS next_claim,
    {listed(_OPTIONS, of="ahead")}
), gone AS (
  DELETE FROM tickets t USING ahead
  WHERE ahead.next_position IS NULL AND t.quest_id = ahead.quest_id AND t.quest_id = ANY(%(quest_ids)s)
    AND t.claim_id = ahead.claim_id
    AND t.state || '' = 'running' AND t.epoch = ahead.epoch AND t.position = ahead.position
  RETURNING ahead.claim_id, t.quest_id, t.epoch, t.version + 1 AS version, t.fence + 1 AS fence
), won AS (
  SELECT claim_id, version, position AS next_position, 'checkpoint' AS reason FROM moved
  UNION ALL SELECT claim_id, version, NULL, 'completed' FROM gone
), run AS (
  INSERT INTO lord_runs ({listed(RUN)})
  SELECT {listed(RUN, of="done", **_OF_RUN)}
  FROM won JOIN done ON done.claim_id = won.claim_id
  JOIN unnest(%(claim_ids)s::text[], %(attempts)s::int[], %(workers)s::text[]) AS a(claim_id, attempt, worker_id)
    ON a.claim_id = won.claim_id
  JOIN quest_steps s ON s.quest_id = done.quest_id AND s.epoch = done.epoch AND s.position = done.position
), snapshot AS (
  INSERT INTO quest_snapshots ({listed(SNAPSHOT)})
  SELECT {listed(SNAPSHOT, of="done", **_OF_SNAPSHOT)}
  FROM won JOIN done ON done.claim_id = won.claim_id
  UNION ALL
  SELECT {listed(SNAPSHOT, **_OF_PAUSE)} FROM moved WHERE pause_requested = 1
), completed AS (
  UPDATE quest_executions q
  SET status = 'completed', output_data = coalesce(done.last, done.output), end_time = greatest(%(now)s, q.start_time),
      duration_seconds = greatest(%(now)s - coalesce(q.start_time, done.start_time), 0),
      version = gone.version, fence = gone.fence, error = NULL, updated_at = %(now_text)s
  FROM gone JOIN done ON done.claim_id = gone.claim_id WHERE q.quest_id = gone.quest_id
), paused AS (
  UPDATE quest_executions q SET status = 'paused', updated_at = %(now_text)s
  FROM moved WHERE moved.pause_requested = 1 AND q.quest_id = moved.quest_id
)
SELECT claim_id, fence, version, pause_requested, queue, priority, next_claim, {listed(NEXT_STEP)} FROM moved
UNION ALL SELECT claim_id, fence, version, 0, NULL, 0, NULL, {listed(NEXT_STEP, **_NONE_AHEAD)} FROM gone
"""  # noqa: S608  (of the columns' names)


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
    # In one order everywhere, so that two workers whose batches overlap do not lock each other out.
    requests = sorted(requests, key=lambda request: request.quest_id)
    values = _columns(requests, "quest_id", "epoch", "position", "claim_id")
    values |= {
        "worker_id": worker_id,
        "namespace": namespace,
        "handlers": handlers,
        "now": now,
        "slack": CLAIM_SLACK,
        "now_text": rfc3339(now),
    }
    rows = execute(connection, _CLAIM, values)
    return [claimed(row, worker_id=worker_id, namespace=namespace, now=now) for row in rows]


def mine(
    connection: Connection, requests: Sequence[ClaimRequest], *, worker_id: str, namespace: str, now: float
) -> list[Claim]:
    """Return the claims among `requests` that are held already: by a claim whose reply was lost."""
    rows = execute(connection, _MINE, _columns(requests, "quest_id", "claim_id"))
    return [claimed(row, worker_id=worker_id, namespace=namespace, now=now) for row in rows]


def ended(connection: Connection, requests: Sequence[ClaimRequest]) -> set[str]:
    """Return which of the claims have a run in the history: they were won before, and have ended since."""
    return {row[0] for row in execute(connection, _ENDED, _columns(requests, "quest_id", "claim_id"))}


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
    checkpoints = sorted(checkpoints, key=lambda each: each.claim.quest_id)  # in one order everywhere, as above
    claims = [each.claim for each in checkpoints]
    values = _columns(claims, "quest_id", "epoch", "position", "claim_id", "attempt", "queue")
    values |= {
        "workers": [claim.worker_id for claim in claims],
        "outputs": [each.outcome.output for each in checkpoints],
        "lasts": [each.outcome.last for each in checkpoints],
        "starts": [claim.start_time for claim in claims],
        "ends": [each.end_time for each in checkpoints],
        "next_claims": [each.next_claim_id for each in checkpoints],
        "worker_id": worker_id,
        "code_version": code_version,
        "namespace": claims[0].namespace,  # a journal has but one
        "handlers": handlers,
        "now": now,
        "now_text": rfc3339(max(now, *(each.end_time for each in checkpoints))),
        "redispatch": REDISPATCH_FIRST,
    }
    claim_of = {claim.claim_id: claim for claim in claims}
    return {
        row[0]: settled_by(claim_of[row[0]], row[1:], worker_id=worker_id, now=now)
        for row in execute(connection, _CHECKPOINT, values)
    }


def _columns(items: Sequence[Any], *names: str) -> dict[str, Any]:
    """Return one array per attribute, named in the plural."""
    return {f"{name}s": [getattr(item, name) for item in items] for name in names}
