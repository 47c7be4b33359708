"""Tries what questline needs of a store: not whether it answers, but whether it does all of that. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, literal, update

from questline_persistence.clock import rfc3339
from questline_persistence.dialects import dialect_of
from questline_persistence.ids import new_claim_id
from questline_persistence.journal.submission import prepare_quest, submit_one
from questline_persistence.kinds import ENTRIES, VERSIONED
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.schema import (
    api_keys,
    audit,
    batch_results,
    batches,
    budgets,
    counts,
    memory_texts,
    migrations,
    once,
    quests,
    runs,
    snapshots,
    step_costs,
    step_events,
    steps,
    table_of,
    tables_of,
    tickets,
    tombstones,
    workers,
)
from questline_persistence.states import ActorType, BatchState, ContextStatus, RunStatus, TaskStatus, WorkerState
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Key, Saves

#: What columns take that do not take everything.
_ALLOWED = {
    ("tasks", "status"): TaskStatus.TODO.value,
    ("workflow_context", "status"): ContextStatus.RUNNING.value,
    ("events", "actor_type"): ActorType.SYSTEM.value,
}
_OF_MEMORY = {
    *(table for kind in VERSIONED for table in tables_of(kind)),
    *(table_of(kind) for kind in ENTRIES),
    memory_texts,
}


def try_writing(database: Database, namespace: str) -> None:
    """Write, change and delete a row of every table, and take all of it back.

    Raises:
      QuestlineError: what the first of these was refused with.
    """
    now = database.clock.now()
    database.rehearse(lambda connection: _write(connection, namespace, now))


def _write(connection: Connection, namespace: str, now: float) -> None:
    trial = QuestExecutionData(quest_type="trial", execution_stack=[LordStep("trial", "trial")])
    quest_id = trial.quest_id = new_claim_id()
    submit_one(connection, prepare_quest(trial, namespace=namespace, now=now))
    _step(connection, quest_id, namespace, now)
    _worker(connection, quest_id, namespace, now)
    _key(connection, quest_id, namespace, now)
    _batch(connection, quest_id, namespace, now)
    _remember(connection, quest_id, now)
    _remove(connection, quest_id)


def _remove(connection: Connection, quest_id: str) -> None:
    """Change and remove all that was written."""
    mine = {workers: workers.c.worker_id, counts: counts.c.name, migrations: migrations.c.version}
    mine[api_keys] = api_keys.c.key_id
    mine |= {batches: batches.c.batch_id, batch_results: batch_results.c.batch_id}
    mine[budgets] = budgets.c.name
    own = (batch_results, batches, audit, api_keys, budgets)
    core = (
        counts,
        tombstones,
        workers,
        once,
        snapshots,
        step_events,
        step_costs,
        runs,
        tickets,
        steps,
        quests,
        migrations,
        *own,
    )
    for table in (*core, *_OF_MEMORY):
        key = table.c.namespace if table in _OF_MEMORY else mine.get(table, table.c.get("quest_id"))
        which = literal(quest_id) == key
        connection.execute(update(table).where(which).values({key: key}))
        connection.execute(delete(table).where(which))


def _step(connection: Connection, quest_id: str, namespace: str, now: float) -> None:
    """Write an attempt of a step, and what it keeps, says and spends."""
    step = {"quest_id": quest_id, "epoch": 0, "position": "0001", "lord_name": "trial", "tool_name": "trial"}
    run = {"run_index": 1, "status": RunStatus.ERROR, "start_time": now, "input_data": "{}", "max_attempts": 1}
    connection.execute(insert(runs).values(**step, **run, namespace=namespace, created_at=rfc3339(now)))
    call = {"quest_id": quest_id, "epoch": 0, "position": "0001", "claim_id": quest_id, "attempt": 1}
    came_to = {"name": "trial", "ordinal": 0, "overlapped": 0, "result": "null"}
    connection.execute(insert(once).values(**call, **came_to, started_at=rfc3339(now), ended_at=rfc3339(now)))
    said = {"fence": 1, "claim_id": quest_id, "seq": 1, "attempt": 1, "at": now, "kind": "log"}
    connection.execute(insert(step_events).values(**said, quest_id=quest_id, epoch=0, position="0001"))
    spent = dict.fromkeys(("input_tokens", "output_tokens", "usd"), 0) | {"model": "", "attempt": 1, "at": now}
    of_quest = {"namespace": namespace, "quest_type": "trial", "lord_name": "trial", "epoch": 0, "position": "0001"}
    connection.execute(insert(step_costs).values(**spent, **of_quest, quest_id=quest_id, claim_id=quest_id))
    budget = {"scope": "quest", "name": quest_id, "spent_usd": 0, "spent_tokens": 0, "created_at": rfc3339(now)}
    connection.execute(insert(budgets).values(**budget, namespace=namespace))


def _worker(connection: Connection, quest_id: str, namespace: str, now: float) -> None:
    """Write a worker, a count and a tombstone."""
    worker = {"worker_id": quest_id, "namespace": namespace, "process_id": quest_id, "host": "trial", "pid": 0}
    times = {"started_at": now, "lease_until": now, "heartbeat_at": now, "threads": 0}
    lists = {"state": WorkerState.STOPPED, "queues": "[]", "handlers": "[]", "code_version": ""}
    connection.execute(insert(workers).values(**worker, **times, **lists))
    connection.execute(insert(counts).values(namespace=namespace, name=quest_id, number=0))
    buried = {"quest_id": quest_id, "namespace": namespace, "epoch": 0, "fence": 0, "deleted_at": rfc3339(now)}
    connection.execute(insert(tombstones).values(buried))


def _key(connection: Connection, quest_id: str, namespace: str, now: float) -> None:
    """Write a key, and an entry of the audit."""
    common = {"namespace": namespace, "payloads": 0, "created_at": rfc3339(now), "scopes": "", "secret_hash": ""}
    connection.execute(insert(api_keys).values(**common, key_id=quest_id, name="trial", created_by="trial"))
    did = {"actor": "trial", "verb": "trial", "door": "trial", "outcome": "{}"}
    connection.execute(insert(audit).values(**did, namespace=namespace, at=rfc3339(now), quest_id=quest_id))


def _batch(connection: Connection, batch_id: str, namespace: str, now: float) -> None:
    """Write a batch, and what came of it for one quest."""
    numbers = dict.fromkeys(("total", "total_capped", "done", "changed", "unchanged", "refused", "failed"), 0)
    texts = {"verb": "trial", "arguments": "{}", "filter": "{}", "actor": "trial", "door": "trial"}
    place = {"reached_at": "", "reached_id": "", "lease_until": 0.0}
    state = {"state": BatchState.ABORTED, "created_at": rfc3339(now), "namespace": namespace}
    connection.execute(insert(batches).values(**numbers, **texts, **place, **state, batch_id=batch_id))
    result = {"number": 1, "quest_id": batch_id, "outcome": "trial", "at": rfc3339(now)}
    connection.execute(insert(batch_results).values(**result, batch_id=batch_id))


def _remember(connection: Connection, namespace: str, now: float) -> None:
    """Write a row of every kind of what Lords remember, in a namespace of its own."""
    dialect = dialect_of(connection)
    for kind in VERSIONED:
        heads, versions = tables_of(kind)
        columns = _values(heads, (*kind.both, *kind.head)) | _values(versions, kind.version)
        body = _values(versions, kind.body)
        dialect.save(connection, Saves(kind, Key(namespace, "", "trial"), columns=columns, body=body), now=now)
    for entries in ENTRIES:
        columns = _values(table_of(entries), (*entries.columns, *entries.body))
        stream = None if entries.stream is None else "trial"
        dialect.enter(connection, Enters(entries, namespace, "", "trial", columns, stream), now=now)
    connection.execute(insert(migrations).values(version=namespace, name="trial", applied_at=rfc3339(now)))


def _values(table: Table, columns: Sequence[str]) -> dict[str, Any]:
    """Return a value for each of a table's columns, one that it takes."""
    return {name: _ALLOWED.get((table.name, name), table.c[name].type.python_type()) for name in columns}
