"""The rows of new quests on PostgreSQL: one set-based statement, and so one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from questline_persistence.arrival import FIRST_FENCE, Arrival
from questline_persistence.driver import execute
from questline_persistence.plan import Plan, PlannedStep

# A quest whose id or idempotency key is taken brings in no row at all: all else is inserted for what was `created`.
_INSERT = """
WITH quest AS (
  SELECT * FROM unnest(CAST(:quest_ids AS text[]), CAST(:quest_types AS text[]), CAST(:inputs AS text[]),
      CAST(:plans AS int[]), CAST(:states AS text[]), CAST(:labels AS text[]), CAST(:queues AS text[]),
      CAST(:priorities AS int[]), CAST(:forks AS text[]), CAST(:keys AS text[]), CAST(:stamps AS text[]),
      CAST(:schemas AS int[]), CAST(:availables AS float8[]), CAST(:rings AS float8[]))
    AS quest(quest_id, quest_type, input_data, plan, run_data, labels, queue, priority, forked_from, idempotency_key,
      stamp, schema_version, available_at, ring_at)
), plan AS (
  SELECT * FROM unnest(CAST(:numbers AS int[]), CAST(:stacks AS text[]), CAST(:starts AS text[]),
      CAST(:handlers AS text[]), CAST(:start_queues AS text[]))
    AS plan(number, execution_stack, position, handler, queue)
), step AS (
  SELECT * FROM unnest(CAST(:step_plans AS int[]), CAST(:positions AS text[]), CAST(:lords AS text[]),
      CAST(:tools AS text[]), CAST(:occurrences AS int[]), CAST(:params AS text[]), CAST(:attempts AS int[]),
      CAST(:timeouts AS float8[]), CAST(:backoffs AS float8[]), CAST(:step_queues AS text[]))
    AS step(plan, position, lord_name, tool_name, occurrence, params, max_attempts, timeout_seconds, backoff_seconds,
      queue)
), created AS (
  INSERT INTO quest_executions (quest_id, namespace, quest_type, status, epoch, version, fence, input_data,
    execution_stack, labels, queue, priority, forked_from, idempotency_key, created_at, updated_at, schema_version)
  SELECT q.quest_id, :namespace, q.quest_type, 'new', 0, 0, 0, q.input_data, p.execution_stack, CAST(q.labels AS jsonb),
    q.queue, q.priority, q.forked_from, q.idempotency_key, q.stamp, q.stamp, q.schema_version
  FROM quest q JOIN plan p ON p.number = q.plan
  ON CONFLICT DO NOTHING
  RETURNING quest_id
), fresh AS (
  SELECT q.*, p.position, p.handler, coalesce(p.queue, q.queue) AS start_queue
  FROM created JOIN quest q ON q.quest_id = created.quest_id JOIN plan p ON p.number = q.plan
), planned AS (
  INSERT INTO quest_steps (quest_id, epoch, position, lord_name, tool_name, occurrence, params, max_attempts,
    timeout_seconds, backoff_seconds, queue, since_version)
  SELECT f.quest_id, 0, s.position, s.lord_name, s.tool_name, s.occurrence, s.params, s.max_attempts,
    s.timeout_seconds, s.backoff_seconds, coalesce(s.queue, f.queue), 0
  FROM fresh f JOIN step s ON s.plan = f.plan
), snapshot AS (
  INSERT INTO quest_snapshots (quest_id, version, epoch, position, run_data, snapshot_reason, created_at)
  SELECT quest_id, 0, 0, position, run_data, 'start', stamp FROM fresh
), ticket AS (
  INSERT INTO tickets (quest_id, branch, namespace, position, epoch, handler, state, fence, version, available_at,
    ring_at, queue, priority)
  SELECT quest_id, 0, :namespace, position, 0, handler, 'ready', :fence, 0, available_at, ring_at, start_queue, priority
  FROM fresh WHERE :tickets_too
)
SELECT count(*) FROM created
"""
#: For the driver that we bring: it writes arrays much faster in binary form, and must be asked to.
_INSERT_BINARY = re.sub(r":(\w+)", r"%(\1)b", _INSERT)


def insert(connection: Connection, batch: Sequence[Arrival], *, tickets_too: bool = True) -> int:
    """Insert whole quests of one namespace; return how many were new, the others being left as they are."""
    plans = {id(one.plan): one.plan for one in batch}
    numbers = {name: number for number, name in enumerate(plans)}
    values = _quests(batch, [numbers[id(one.plan)] for one in batch]) | _plans([*plans.values()])
    values |= {"namespace": batch[0].namespace, "fence": FIRST_FENCE, "tickets_too": tickets_too}
    if connection.dialect.driver == "psycopg":
        return int(execute(connection, _INSERT_BINARY, values)[0][0])
    # A caller's own connection may have another driver.
    return int(connection.execute(text(_INSERT), values).scalar_one())


def _quests(batch: Sequence[Arrival], plans: Sequence[int]) -> dict[str, Any]:
    """Return the arrays that hold something for each quest."""
    columns = dict(zip(Arrival._fields, map(list, zip(*batch, strict=True)), strict=True))
    return {
        "quest_ids": columns["quest_id"],
        "quest_types": columns["quest_type"],
        "inputs": columns["input_data"],
        "plans": plans,
        "states": columns["run_data"],
        "labels": columns["labels"],
        "queues": columns["queue"],
        "priorities": columns["priority"],
        "forks": columns["forked_from"],
        "keys": columns["idempotency_key"],
        "stamps": columns["created_at"],
        "schemas": columns["schema_version"],
        "availables": columns["available_at"],
        "rings": columns["ring_at"],
    }


def _plans(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return the arrays that hold something for each plan, and for each of its steps."""
    numbered = [(number, step) for number, plan in enumerate(plans) for step in plan.steps]
    columns = dict(zip(PlannedStep._fields, map(list, zip(*(step for _, step in numbered), strict=True)), strict=True))
    return {
        "numbers": [*range(len(plans))],
        "stacks": [plan.text for plan in plans],
        "starts": [plan.position for plan in plans],
        "handlers": [plan.handler for plan in plans],
        "start_queues": [plan.queue for plan in plans],
        "step_plans": [number for number, _ in numbered],
        "positions": columns["position"],
        "lords": columns["lord_name"],
        "tools": columns["tool_name"],
        "occurrences": columns["occurrence"],
        "params": columns["params"],
        "attempts": columns["max_attempts"],
        "timeouts": columns["timeout_seconds"],
        "backoffs": columns["backoff_seconds"],
        "step_queues": columns["queue"],
    }
