"""Fault 12: a hundred thousand ready quests and one worker that has no time for them."""

import time
from typing import Any

import pytest
from sqlalchemy import Connection, Row, select, text

from questline_persistence.claims import REDISPATCH_FIRST
from questline_persistence.schema import quests, steps, tickets
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from questline_scheduler.loops import relay as relay_module
from questline_scheduler.loops.relay import Relay
from tests.contract.quests import Workbench
from tests.integration.worker.pools import tell

READY = 100_000
#: How many are rung at one look, here: more than usual, so that ten looks do.
BATCH = 10_000


def _multiply(bench: Workbench, quest_id: str) -> None:
    """Make copies of a quest in the store itself, under ids that are numbers."""

    def work(connection: Connection) -> None:
        for table in (quests, steps, tickets):
            others = [column.name for column in table.columns if column.name != "quest_id"]
            chosen = ", ".join(f't."{name}"' for name in others)
            columns = ", ".join(f'"{name}"' for name in others)
            connection.execute(
                text(
                    f"INSERT INTO {table.name} (quest_id, {columns}) SELECT 'copy-' || n, {chosen} "
                    f"FROM {table.name} t, generate_series(2, {READY}) n WHERE t.quest_id = :quest_id"
                ),
                {"quest_id": quest_id},
            )

    bench.database.write(work)


def _tickets(bench: Workbench) -> list[Row[Any]]:
    return bench.database.read(lambda connection: list(connection.execute(select(tickets.c.ring_at))))


def test_fault_12_the_broker_holds_no_more_bells_than_tickets_are_ready(
    postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "MAX_REDISPATCH", BATCH)
    bench = Workbench(postgres_url)
    broker = RingingRedisBroker(redis_url, namespace="default")
    relay = Relay(bench.bells, bench.counters, broker)
    try:
        quest_id = bench.submit("a")
        _multiply(bench, quest_id)
        queue = broker._queue("default")
        began = time.monotonic()
        bench.clock.advance(REDISPATCH_FIRST)
        rung = 0
        while (relayed := relay.run_once()).rung:
            rung += relayed.rung
        tell(f"{rung:,} bells rung in {time.monotonic() - began:.1f} s")
        assert rung == queue.size() == READY
        assert next(broker.consume("default", prefetch=2, timeout=10)) is not None, "the worker hears of none"
        bench.clock.advance(REDISPATCH_FIRST - 0.1)
        assert relay.run_once().rung == 0, "they are rung again too soon"
        bench.clock.advance(0.1)
        again = [relay.run_once().rung for _ in range(3)]
        assert again == [BATCH] * 3
        assert queue.size() <= READY, "what was rung twice is queued twice"
        waits = [row.ring_at - bench.clock.now() for row in _tickets(bench)]
        assert waits.count(2 * REDISPATCH_FIRST) == sum(again), "the wait between two rings does not double"
    finally:
        broker.close()
        bench.close()
