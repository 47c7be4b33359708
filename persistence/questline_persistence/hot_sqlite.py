"""Claim and checkpoint on SQLite: a few set-based statements for a whole batch, all in one BEGIN IMMEDIATE.

The write lock is held from the start, so nothing can come between a guard and its write; each write
carries its guard all the same. Sets are bound as rows of VALUES: with each statement a thread gives Python's lock
away and has to wait for it again, so that their number counts more than what they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    advanced,
    claimed,
)
from questline_persistence.clock import rfc3339
from questline_persistence.driver import Row, execute
from questline_persistence.payload import encode

#: Most rows in one statement; each number of them is a text of its own, which the driver keeps prepared.
MAX_ROWS = 32

_CLAIM = """
UPDATE tickets SET state = 'running', claim_id = wish.claim_id, worker_id = :worker_id, claimed_at = :now,
  fence = fence + 1, deadline = :now + (SELECT timeout_seconds FROM quest_steps s
                     WHERE s.quest_id = tickets.quest_id AND s.epoch = tickets.epoch AND s.position = tickets.position)
FROM (SELECT column1 AS quest_id, column2 AS epoch, column3 AS position, column4 AS claim_id
      FROM (VALUES {rows})) AS wish
WHERE tickets.quest_id = wish.quest_id AND tickets.epoch = wish.epoch AND tickets.position = wish.position
  AND namespace = :namespace AND state || '' = 'ready' AND pause_requested = 0 AND available_at <= :now + :slack
  AND handler IN (SELECT value FROM json_each(:handlers))
"""
_WISH = ("quest_id", "epoch", "position", "claim_id")

_MINE = """
SELECT t.attempt + 1, t.claim_id, t.quest_id, t.epoch, t.position, t.lost, t.version, t.queue, t.fence,
  s.lord_name, s.tool_name, s.occurrence, s.params, s.max_attempts, s.timeout_seconds, s.backoff_seconds,
  q.quest_type, q.input_data, q.status
FROM (SELECT column1 AS quest_id, column2 AS claim_id FROM (VALUES {rows})) AS wish
CROSS JOIN tickets t
JOIN quest_steps s ON s.quest_id = t.quest_id AND s.epoch = t.epoch AND s.position = t.position
JOIN quest_executions q ON q.quest_id = t.quest_id
WHERE t.quest_id = wish.quest_id AND t.claim_id = wish.claim_id
"""
_HELD = ("quest_id", "claim_id")

_ENDED = """
SELECT lord_runs.claim_id FROM lord_runs
WHERE quest_id IN (SELECT value FROM json_each(:quest_ids)) AND claim_id IN (SELECT value FROM json_each(:claim_ids))
"""

_BEGIN = """
UPDATE quest_executions SET status = 'running', start_time = :now, updated_at = :now_text
WHERE quest_id = :quest_id AND status = 'new'
"""

_NEXT = """
SELECT position, lord_name AS lord, tool_name AS tool, occurrence, params, max_attempts, timeout_seconds,
  backoff_seconds, queue, done.claim_id
FROM (SELECT column1 AS claim_id, column2 AS quest, column3 AS lineage, column4 AS place FROM (VALUES {rows})) AS done
CROSS JOIN quest_steps
WHERE quest_id = done.quest AND epoch = done.lineage AND position = (
  SELECT min(ahead.position) FROM quest_steps ahead
  WHERE ahead.quest_id = done.quest AND ahead.epoch = done.lineage AND ahead.position > done.place)
"""
_DONE = ("claim_id", "quest_id", "epoch", "position")

_MOVE = """
UPDATE tickets SET
  state = CASE WHEN pause_requested = 1 THEN 'held' WHEN done.successor IS NULL THEN 'ready' ELSE 'running' END,
  claim_id = CASE WHEN pause_requested = 0 THEN done.successor END,
  worker_id = CASE WHEN pause_requested = 0 AND done.successor IS NOT NULL THEN :worker_id END,
  claimed_at = CASE WHEN pause_requested = 0 AND done.successor IS NOT NULL THEN :now END,
  deadline = CASE WHEN pause_requested = 0 AND done.successor IS NOT NULL THEN done.next_deadline END,
  position = done.next_position, handler = done.next_handler, queue = done.next_queue,
  attempt = 0, lost = 0, refusals = 0, dispatches = 0, fence = fence + 1,
  version = version + 1 + pause_requested, available_at = :now, ring_at = :now + :redispatch
FROM (SELECT column1 AS quest_id, column2 AS claim_id, column3 AS epoch, column4 AS position,
        column5 AS next_position, column6 AS next_handler, column7 AS next_queue, column8 AS successor,
        column9 AS next_deadline FROM (VALUES {rows})) AS done
WHERE tickets.quest_id = done.quest_id AND tickets.claim_id = done.claim_id AND state || '' = 'running'
  AND tickets.epoch = done.epoch AND tickets.position = done.position
RETURNING quest_id, fence, version - pause_requested, pause_requested, queue, priority, claim_id
"""
_MOVED = (
    "quest_id",
    "claim_id",
    "epoch",
    "position",
    "next_position",
    "next_handler",
    "next_queue",
    "successor",
    "next_deadline",
)

_GONE = """
DELETE FROM tickets
WHERE quest_id = :quest_id AND claim_id = :claim_id AND state || '' = 'running' AND epoch = :epoch
  AND position = :position
RETURNING version + 1, fence + 1
"""

_RUN = """
INSERT INTO lord_runs (quest_id, epoch, position, version, lord_name, tool_name, run_index, status, start_time,
  end_time, duration_seconds, input_data, output_data, attempt_number, max_attempts, created_at, worker_id, claim_id)
VALUES {rows}
"""
_RUN_VALUES = (
    "quest_id",
    "epoch",
    "position",
    "version",
    "lord_name",
    "tool_name",
    "occurrence",
    "status",
    "start_time",
    "end_time",
    "duration",
    "params",
    "output",
    "attempt",
    "max_attempts",
    "now_text",
    "worker_id",
    "claim_id",
)

_SNAPSHOT = """
INSERT INTO quest_snapshots (quest_id, version, epoch, position, snapshot_reason, created_at)
VALUES {rows}
"""
_SNAPSHOT_VALUES = ("quest_id", "version", "epoch", "next_position", "reason", "now_text")

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
    _many(connection, _CLAIM, _WISH, list(map(_wish, wishes)), handlers=_listed(tuple(handlers)), **common)
    return mine(connection, wishes, worker_id=worker_id, namespace=namespace, now=now)


def mine(
    connection: Connection, wishes: Sequence[ClaimRequest], *, worker_id: str, namespace: str, now: float
) -> list[Claim]:
    """Return the claims among `wishes` that are held, and mark their quests as running."""
    claims = []
    for *row, status in _many(connection, _MINE, _HELD, list(map(_wish, wishes))):
        claims.append(claimed(row, worker_id=worker_id, namespace=namespace, now=now))
        if status == "new":
            execute(connection, _BEGIN, {"quest_id": claims[-1].quest_id, "now": now, "now_text": rfc3339(now)})
    return claims


@lru_cache(maxsize=8)
def _listed(handlers: tuple[str, ...]) -> str:
    return encode(handlers, what="handlers")


def ended(connection: Connection, wishes: Sequence[ClaimRequest]) -> set[str]:
    """Return which of the claims have a run in the history: they were won before, and have ended since."""
    quest_ids, claim_ids = [wish.quest_id for wish in wishes], [wish.claim_id for wish in wishes]
    values = {"quest_ids": encode(quest_ids, what="ids"), "claim_ids": encode(claim_ids, what="ids")}
    return {row[0] for row in execute(connection, _ENDED, values)}


def _wish(wish: ClaimRequest) -> dict[str, Any]:
    return {"quest_id": wish.quest_id, "epoch": wish.epoch, "position": wish.position, "claim_id": wish.claim_id}


def checkpoint(
    connection: Connection, ends: Sequence[Checkpoint], *, worker_id: str, handlers: list[str], now: float
) -> dict[str, Settled]:
    """Commit results and move their tickets on; return what became of each claim that still held its step."""
    settled: dict[str, Settled] = {}
    for group in _one_per_quest(ends):
        settled |= _advance(connection, group, worker_id, handlers, now)
    return settled


def _one_per_quest(ends: Sequence[Checkpoint]) -> Iterator[dict[str, Checkpoint]]:
    """Yield groups that hold each quest once: a quest then tells which of them it was that still held its step."""
    rest = list(ends)
    while rest:
        group: dict[str, Checkpoint] = {}
        rest = [end for end in rest if group.setdefault(end.claim.quest_id, end) is not end]
        yield group


def _advance(
    connection: Connection, ends: dict[str, Checkpoint], worker_id: str, handlers: list[str], now: float
) -> dict[str, Settled]:
    """Commit the results of several quests."""
    values = {quest_id: _values(end, now) for quest_id, end in ends.items()}
    steps = {claim_id: step for *step, claim_id in _many(connection, _NEXT, _DONE, list(values.values()))}
    ahead = {end.claim.quest_id: steps[end.claim.claim_id] for end in ends.values() if end.claim.claim_id in steps}
    for quest_id, step in ahead.items():
        values[quest_id] |= _ahead(ends[quest_id], step, handlers, now)
    won = {}
    moving = [values[quest_id] for quest_id in ahead]
    common = {"worker_id": worker_id, "now": now, "redispatch": REDISPATCH_FIRST}
    for quest_id, *row in _many(connection, _MOVE, _MOVED, moving, **common):
        values[quest_id]["version"] = row[1]
        won[quest_id] = advanced(ends[quest_id].claim, [*row, *ahead[quest_id][:-1]], worker_id=worker_id, now=now)
    won |= _take_away(connection, [values[quest_id] for quest_id in ends.keys() - ahead.keys()])
    _record(connection, [(values[quest_id], settled) for quest_id, settled in won.items()])
    return {ends[quest_id].claim.claim_id: settled for quest_id, settled in won.items()}


def _ahead(end: Checkpoint, step: Sequence[Any], handlers: list[str], now: float) -> dict[str, Any]:
    """Return how a ticket stands at its next step; a worker that cannot run that has no successor there."""
    position, lord_name, tool_name, _, _, _, timeout_seconds, _, queue = step
    handler = f"{lord_name}:{tool_name}"
    return {
        "next_position": position,
        "next_handler": handler,
        "next_queue": queue,
        "successor": end.successor if queue == end.claim.queue and handler in handlers else None,
        "next_deadline": now + timeout_seconds,
        "reason": "checkpoint",
    }


def _take_away(connection: Connection, ends: Sequence[dict[str, Any]]) -> dict[str, Settled]:
    """Delete the tickets of quests that have no step ahead."""
    won = {}
    for end in ends:
        for version, fence in execute(connection, _GONE, end):
            end |= {"version": version, "fence": fence, "next_position": None, "reason": "completed"}
            won[end["quest_id"]] = Settled(won=True, status="completed")
    return won


def _record(connection: Connection, won: Sequence[tuple[dict[str, Any], Settled]]) -> None:
    """Write what was won: runs, snapshots, and the quests that have completed or paused."""
    rows = [end for end, _ in won]
    _many(connection, _RUN, _RUN_VALUES, rows)
    _many(connection, _SNAPSHOT, _SNAPSHOT_VALUES, rows)
    for end, settled in won:
        if settled.status == "completed":
            execute(connection, _COMPLETE, end)
        elif settled.status == "paused":
            _many(connection, _SNAPSHOT, _SNAPSHOT_VALUES, [end | {"version": end["version"] + 1, "reason": "pause"}])
            execute(connection, _PAUSE, end)


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
        "status": "success",
        "params": held.params_json,
        "attempt": held.attempt,
        "max_attempts": held.max_attempts,
        "start_time": held.start_time,
        "end_time": end.end_time,
        "duration": end.end_time - held.start_time,
        "output": end.output,
        "now": now,
        "now_text": rfc3339(now),
    }


def _many(
    connection: Connection, statement: str, columns: tuple[str, ...], items: Sequence[Mapping[str, Any]], **common: Any
) -> list[Row]:
    """Send a statement with rows of VALUES for `items`, in as few parts as may be; return the rows of all."""
    found = []
    for start in range(0, len(items), MAX_ROWS):
        part = items[start : start + MAX_ROWS]
        text, names = _with_rows(statement, columns, len(part))
        common.update(zip(names, [item[name] for item in part for name in columns], strict=True))
        found += execute(connection, text, common)
    return found


@lru_cache(maxsize=256)
def _with_rows(statement: str, columns: tuple[str, ...], count: int) -> tuple[str, list[str]]:
    """Return a statement with so many rows of named parameters, and their names in order."""
    rows = [[f"{name}{index}" for name in columns] for index in range(count)]
    text = ", ".join(f"({', '.join(f':{name}' for name in row)})" for row in rows)
    return statement.replace("{rows}", text), [name for row in rows for name in row]
