"""Tries what questline needs of a store: not whether it answers, but whether it does all of that. Nothing is kept."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, literal, update

from questline_persistence.clock import rfc3339
from questline_persistence.ids import new_claim_id
from questline_persistence.journal.submission import prepare_quest, submit_one
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.schema import counts, quests, runs, snapshots, steps, tickets, tombstones, workers
from questline_persistence.states import RunStatus, WorkerState
from questline_persistence.store import Database


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
    step = {"quest_id": quest_id, "epoch": 0, "position": "0001", "lord_name": "trial", "tool_name": "trial"}
    run = {"run_index": 1, "status": RunStatus.ERROR, "start_time": now, "input_data": "{}", "max_attempts": 1}
    connection.execute(insert(runs).values(**step, **run, namespace=namespace, created_at=rfc3339(now)))
    worker = {"worker_id": quest_id, "namespace": namespace, "process_id": quest_id, "host": "trial", "pid": 0}
    times = {"started_at": now, "lease_until": now, "heartbeat_at": now, "threads": 0}
    lists = {"state": WorkerState.STOPPED, "queues": "[]", "handlers": "[]", "code_version": ""}
    connection.execute(insert(workers).values(**worker, **times, **lists))
    connection.execute(insert(counts).values(namespace=namespace, name=quest_id, number=0))
    buried = {"quest_id": quest_id, "namespace": namespace, "epoch": 0, "fence": 0, "deleted_at": rfc3339(now)}
    connection.execute(insert(tombstones).values(buried))
    mine = {workers: workers.c.worker_id, counts: counts.c.name}
    for table in (counts, tombstones, workers, snapshots, runs, tickets, steps, quests):
        key = mine.get(table, table.c.get("quest_id"))
        which = literal(quest_id) == key
        connection.execute(update(table).where(which).values({key: key}))
        connection.execute(delete(table).where(which))
