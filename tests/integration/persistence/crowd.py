"""Quests in numbers, written with set-based SQL: what makes a store old, and what makes it busy."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

LONG_AGO = "2020-01-01T00:00:00.000000Z"
#: Seconds until the crowd's quests may run or be rung for: a test meets them in the indexes, and none of them is due.
LATER = 1_000.0
#: The ticket's state, and the quest's status that goes with it.
STATUSES = {"ready": "new", "running": "running", "waiting": "running", "held": "paused"}

_CROWD = """WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count),
  crowd(id) AS (SELECT :name || :kind || n FROM numbers)"""

_QUESTS = f"""
INSERT INTO quest_executions (quest_id, namespace, quest_type, status, version, fence, start_time, input_data,
  execution_stack, labels, queue, idempotency_key, created_at, updated_at, schema_version)
{_CROWD} SELECT id, 'default', 'crowd', :status, 1, 9, 0, '{{}}', '[]', '{{}}', 'default', id,
  '{LONG_AGO}', '{LONG_AGO}', 1 FROM crowd
"""
_STEPS = f"""
INSERT INTO quest_steps (quest_id, epoch, position, lord_name, tool_name, occurrence, params, max_attempts,
  timeout_seconds, backoff_seconds, queue, since_version)
{_CROWD} SELECT id, 0, position, 'a', 'work', 1, '{{}}', 3, 600, 1, 'default', 0
FROM crowd, (SELECT '0001' AS position UNION ALL SELECT '0002') AS plan
"""
_SNAPSHOTS = f"""
INSERT INTO quest_snapshots (quest_id, version, epoch, position, run_data, snapshot_reason, created_at)
{_CROWD} SELECT id, version, 0, '0002', CASE version WHEN 0 THEN '{{}}' END, 'checkpoint', '{LONG_AGO}'
FROM crowd, (SELECT 0 AS version UNION ALL SELECT 1) AS history
"""
_RUNS = f"""
INSERT INTO lord_runs (quest_id, position, version, lord_name, tool_name, run_index, status, start_time, input_data,
  output_data, max_attempts, created_at, claim_id, namespace)
{_CROWD} SELECT id, '0001', 1, 'a', 'work', 1, 'success', 0, '{{}}', '1', 3, '{LONG_AGO}', id, 'default'
FROM crowd
"""
_CALLS = f"""
INSERT INTO step_once (quest_id, epoch, position, name, ordinal, overlapped, result, claim_id, attempt, started_at,
  ended_at)
{_CROWD} SELECT id, 0, '0001', 'call', 0, 0, '1', id, 1, '{LONG_AGO}', '{LONG_AGO}' FROM crowd
"""
_LINES = f"""
INSERT INTO step_events (quest_id, fence, claim_id, seq, epoch, position, attempt, at, kind)
{_CROWD} SELECT id, 1, id, 1, 0, '0001', 1, 0, 'log' FROM crowd
"""
_COSTS = f"""
INSERT INTO step_costs (quest_id, claim_id, model, namespace, quest_type, lord_name, epoch, position, attempt,
  input_tokens, output_tokens, usd, at)
{_CROWD} SELECT id, id, '', 'default', 'crowd', 'a', 0, '0001', 1, 1, 1, 1, 0 FROM crowd
"""
_BUDGETS = f"""
INSERT INTO budgets (namespace, scope, name, max_usd, spent_usd, spent_tokens, created_at)
{_CROWD} SELECT 'default', 'quest', id, 5, 1, 2, '{LONG_AGO}' FROM crowd
"""
_TICKETS = f"""
INSERT INTO tickets (quest_id, branch, namespace, position, epoch, handler, state, claim_id, worker_id, claimed_at,
  fence, version, available_at, ring_at, queue)
{_CROWD} SELECT id, 0, 'default', '0002', 0, 'a:work', :kind, CASE :kind WHEN 'running' THEN id END,
  CASE :kind WHEN 'running' THEN :name || 'live1' END, 0, 1, 1, :later, :later, 'default' FROM crowd
"""
_TOMBSTONES = f"""
INSERT INTO tombstones (quest_id, namespace, epoch, fence, deleted_at)
{_CROWD} SELECT id, 'default', 0, 9, '{LONG_AGO}' FROM crowd
"""
_WORKERS = f"""
INSERT INTO workers (worker_id, namespace, process_id, host, pid, state, started_at, lease_until, heartbeat_at,
  ended_at, queues, handlers, threads, code_version)
{_CROWD} SELECT id, 'default', id, 'host', 1, :kind, 0, :later, 0,
  CASE :kind WHEN 'stopped' THEN :later END, '[]', '["a:work"]', 8, '' FROM crowd
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many ended quests to add, and as many deleted; a quarter as many are ready, others in every other state."""

    ended: int
    #: What the ids begin with, where several crowds join one store.
    name: str = ""

    def join(self, connection: Connection, now: float) -> None:
        """Write the rows, which PostgreSQL does in half the time where it need not look up which quest each is of."""
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        self._quests(connection, "ended", self.ended, "completed")
        for kind, share in (("ready", 4), ("waiting", 8), ("held", 8), ("running", 100)):
            self._quests(connection, kind, self.ended // share, STATUSES[kind])
            self._add(connection, _TICKETS, kind, self.ended // share, later=now + LATER)
        self._add(connection, _TOMBSTONES, "deleted", self.ended)
        self._add(connection, _WORKERS, "stopped", self.ended // 20, later=now + LATER)
        self._add(connection, _WORKERS, "live", 1, later=now + LATER)

    def _quests(self, connection: Connection, kind: str, count: int, status: str) -> None:
        for statement in (_QUESTS, _STEPS, _SNAPSHOTS, _RUNS, _CALLS, _LINES, _COSTS, _BUDGETS):
            self._add(connection, statement, kind, count, status=status)

    def _add(self, connection: Connection, statement: str, kind: str, count: int, **values: Any) -> None:
        connection.execute(text(statement), {"name": self.name, "kind": kind, "count": count, **values})
