"""How often a step asks the servers for something, counted exactly.

On PostgreSQL and Redis, for each step of a quest that runs alone:

| what               | each | reason |
| ------------------ | ---- | ------ |
| SQL statements     | 2    | the claim, and the checkpoint that also makes the next step ready |
| transactions       | 2    | each of them is one of its own: what a step did must not wait for the next one's claim |
| broker round trips | 2    | one rings for the next step, one fetches it and carries the ack of the step before |

A quest's first step costs no more: its claim also marks the quest as running. The last one rings for nothing.
A step that is handed over to a thread of the same process costs less: 1 statement, 1 transaction and nothing of the
broker, since the checkpoint before it has claimed it.
On SQLite a transaction holds several statements, which cost no round trip:

| what             | each | reason |
| ---------------- | ---- | ------ |
| claim            | 3    | BEGIN IMMEDIATE, the guarded UPDATE of the ticket, the SELECT of what the handler needs |
| checkpoint       | 5    | BEGIN IMMEDIATE, the step ahead, the guarded UPDATE of the ticket, the run, the snapshot |
| first claim      | +1   | the quest is running from now on |
| last checkpoint  | +1   | the ticket is deleted rather than moved, and the quest completed |

Not counted is what goes by the clock, whatever the number of steps: heartbeats and the loops, which have threads of
their own, and the reading of the database's clock every five seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dramatiq
import psycopg
import pytest
import redis
from sqlalchemy import event

from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, Doorbell, Succeeded
from questline_persistence.ids import new_claim_id
from questline_persistence.settings import load
from questline_persistence.store import Database
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_worker.lords import LordContext, lord
from questline_worker.process import WorkerProcess
from tests.integration.worker.pools import LONG, quest
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

STEPS = 10
#: What the broker's client sends; other commands are called from within its scripts.
SENT = ("evalsha", "script|load", "blpop", "get", "set")
CLOCK = "SELECT extract(epoch FROM clock_timestamp())"


@lord("counted", "work")
def counted(ctx: LordContext) -> str:
    return ctx.position


@contextmanager
def counting(database: Database, *, own: bool = True) -> Iterator[list[str]]:
    """Note the statements that this thread executes, or any; the heartbeat has a thread of its own."""
    noted: list[str] = []
    mine = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if (not own or threading.get_ident() == mine) and not statement.startswith(CLOCK):
            noted.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def process_on(database_url: str, broker_url: str) -> tuple[WorkerProcess, QuestClient]:
    """Return a worker of one thread, and a client; the loops do not run, and the heart beats once."""
    settings = load(
        database_url=database_url, broker_url=broker_url, heartbeat_seconds=3600, lease_seconds=7200, worker_threads=1
    )
    process = WorkerProcess(settings, loops=False)
    return process, QuestClient(database_url, broker_url, database=process.database, broker=process.broker)


@contextmanager
def member_on(database_url: str, broker_url: str) -> Iterator[tuple[WorkerProcess, QuestClient]]:
    """Have a worker run whatever is submitted."""
    process, client = process_on(database_url, broker_url)
    worker = dramatiq.Worker(process.broker, queues={"default"}, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        assert process.lease.wait_until_registered()
        yield process, client
    finally:
        worker.stop()
        process.broker.close()
        process.database.close()


@contextmanager
def worker_on(database_url: str, broker_url: str) -> Iterator[tuple[WorkerProcess, QuestClient]]:
    """A worker that is driven by hand, and a client."""
    process, client = process_on(database_url, broker_url)
    process.lease.start(1)
    assert process.lease.wait_until_registered()
    eventually(lambda: process.journal.worker_id, message="the worker has no name")
    try:
        yield process, client
    finally:
        process.lease.stop()
        process.broker.close()
        process.database.close()


def driven(process: WorkerProcess, steps: int) -> list[str]:
    """Run steps as a worker's thread does when there is always one to fetch; return their SQL."""
    consumer = process.broker.consume("default", prefetch=1, timeout=1000)
    with counting(process.database) as statements:
        for _ in range(steps):
            message = next(consumer)
            assert message is not None
            process.actor.fn(**message.kwargs)
            consumer.ack(message)
    # Not closed: that would send the last ack by itself, where a worker sends it with its next fetch.
    return statements


def trips(server: ValkeyServer) -> int:
    with redis.Redis.from_url(server.url) as client:
        stats: Any = client.info("commandstats")
    return sum(stats[f"cmdstat_{name}"]["calls"] for name in SENT if f"cmdstat_{name}" in stats)


def last_transaction(url: str) -> int:
    """The number of the newest transaction that writes: this one."""
    with psycopg.connect(url) as connection:
        row: Any = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    return int(row[0])


def kinds(statements: Sequence[str]) -> list[str]:
    names = {"WITH requ": "claim", "WITH done": "checkpoint", "WITH ques": "submit", "BEGIN IMM": "begin"}
    words = [statement.split() for statement in statements]
    return [names.get(" ".join(one)[:9], " ".join(one[:3])) for one in words]


def test_a_step_costs_two_statements_two_transactions_and_two_round_trips_to_the_broker(
    postgres_url: str, valkey_server: ValkeyServer
) -> None:
    valkey_server.flush()
    with worker_on(postgres_url, valkey_server.url) as (process, client):
        client.submit(quest("counted", "counted"))
        driven(process, 2)  # loads the scripts
        client.submit(quest(*["counted"] * STEPS))
        trips_before, transactions_before = trips(valkey_server), last_transaction(postgres_url)
        statements = driven(process, STEPS)
        used = trips(valkey_server) - trips_before, last_transaction(postgres_url) - transactions_before

    assert kinds(statements) == ["claim", "checkpoint"] * STEPS
    last_rings_nothing, asking = 1, 1
    assert used == (2 * STEPS - last_rings_nothing, 2 * STEPS + asking)


def test_a_step_that_is_handed_over_costs_one_statement_and_one_transaction_and_is_not_rung_for(
    postgres_url: str, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve, rung = RedisConsumer.reserve, list[Doorbell]()
    # There is always a place: whether the consumer listens just then is a matter of time.
    monkeypatch.setattr(RedisConsumer, "reserve", lambda consumer, **_: reserve(consumer, own=True))
    valkey_server.flush()
    with member_on(postgres_url, valkey_server.url) as (process, client):
        ring = process.broker.ring
        monkeypatch.setattr(process.broker, "ring", lambda bells: rung.extend(bells) or ring(bells))
        client.submit(quest("counted", "counted")).wait(LONG)
        rung.clear()
        with counting(process.database, own=False) as statements:
            before = last_transaction(postgres_url)
            handle = client.submit(quest(*["counted"] * STEPS))
            eventually(lambda: len(statements) > STEPS + 1)  # not asked for: what asks would be counted
            eventually(lambda: not process.running.all())
            used = last_transaction(postgres_url) - before
        assert handle.wait(LONG).status == "completed"

    submitting, claiming, asking = 1, 1, 1
    assert kinds(statements) == ["submit", "claim", *["checkpoint"] * STEPS]
    assert used == submitting + claiming + STEPS + asking
    assert [bell.position for bell in rung] == ["0001"], "by whom it was submitted"


def test_on_sqlite_a_step_costs_two_transactions_of_three_and_of_five_statements(sqlite_url: str) -> None:
    with worker_on(sqlite_url, "memory://") as (process, client):
        client.submit(quest(*["counted"] * STEPS))
        statements = driven(process, STEPS)

    claim = ["begin", "UPDATE tickets SET", "SELECT t.attempt +"]
    ahead = ["begin", "SELECT position, lord_name,"]
    kept = ["INSERT INTO lord_runs", "INSERT INTO quest_snapshots"]
    first, last = ["UPDATE quest_executions SET"], ["UPDATE quest_executions SET"]
    moved = [*claim, *ahead, "UPDATE tickets SET", *kept]
    completed = [*claim, *ahead, "DELETE FROM tickets", *kept, *last]
    assert kinds(statements) == [*claim, *first, *moved[len(claim) :], *moved * (STEPS - 2), *completed]


@pytest.mark.parametrize("count", [1, 16])
def test_a_group_commit_costs_two_statements_whatever_it_holds(postgres_url: str, count: int) -> None:
    with worker_on(postgres_url, "memory://") as (process, client):
        ids = [client.submit(quest("counted", "counted")).quest_id for _ in range(2 * count)]
        held = process.journal._flush([_request(quest_id) for quest_id in ids[:count]])
        ends = [Checkpoint(claim, Succeeded("null"), claim.start_time) for claim in held if isinstance(claim, Claim)]
        with counting(process.database) as statements:
            process.journal._flush([*ends, *(_request(quest_id) for quest_id in ids[count:])])

    assert len(ends) == count
    assert kinds(statements) == ["checkpoint", "claim"]


def _request(quest_id: str) -> ClaimRequest:
    return ClaimRequest(quest_id, 0, "0001", new_claim_id())
