"""Tries what questline needs of a store: not whether it answers, but whether it does all of that. Nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, update

from questline_persistence.clock import rfc3339
from questline_persistence.dialects.postgres import is_pooled
from questline_persistence.ids import new_claim_id
from questline_persistence.journal.submission import submit_one, take_apart
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.schema import counts, quests, runs, snapshots, steps, tickets, tombstones, workers
from questline_persistence.states import RunStatus, WorkerState
from questline_persistence.store import Database

_STATE = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
_KEEP = "SELECT set_config('questline.trial', %(value)s, false)"
_KEPT = "SELECT current_setting('questline.trial', true)"
#: How often two sessions take turns: a pooler may give one the same server as before, by chance.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Server:
    """What a PostgreSQL server is at the moment, and how it is reached.

    `standby` tells that it follows another one, `read_only` that this role's transactions may not write, `pooled` that
    a pooler stands before it, and `shared` that sessions are not kept for one client, which nobody has noticed yet.
    """

    standby: bool
    read_only: bool
    pooled: bool
    shared: bool


def try_writing(database: Database, namespace: str) -> None:
    """Write, change and delete a row of every table, and take all of it back.

    Raises:
      QuestlineError: what the first of these was refused with.
    """
    now = database.clock.now()
    database.rehearse(lambda connection: _write(connection, namespace, now))


def server_of(database: Database) -> Server:
    """Return what a PostgreSQL server is and how it is reached, after trying a setting and a prepared statement."""

    def work(connection: Connection) -> tuple[bool, bool, bool]:
        standby, read_only = connection.exec_driver_sql(_STATE).one()
        return standby, read_only, is_pooled(connection)

    standby, read_only, pooled = database.read(work)
    return Server(standby, read_only, pooled, not pooled and not _keeps_sessions(database))


def _keeps_sessions(database: Database) -> bool:
    """Tell whether a session keeps a setting and a prepared statement while others have their turn."""

    def work(connection: Connection) -> bool:
        own: Any = connection.connection.dbapi_connection
        kept = new_claim_id()
        own.commit()
        own.autocommit = True  # as hot statements are sent
        own.execute(_KEEP, {"value": kept})
        try:
            found = {database.read(lambda _: own.execute(_KEPT, prepare=True).fetchone()[0]) for _ in range(_ROUNDS)}
        except connection.dialect.loaded_dbapi.Error:  # the prepared statement is not there any more
            return False
        finally:
            own.autocommit = False
        return found == {kept}

    return database.read(work)


def _write(connection: Connection, namespace: str, now: float) -> None:
    trial = QuestExecutionData(quest_type="trial", execution_stack=[LordStep("trial", "trial")])
    quest_id = trial.quest_id = new_claim_id()
    submit_one(connection, take_apart(trial, namespace=namespace, now=now))
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
