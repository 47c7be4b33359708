"""Fault 2: the broker forgets, restarts, is away, hangs, or has no memory left."""

import threading
import time
from collections.abc import Callable

import pytest
import redis
from sqlalchemy import update

from questline_persistence.claims import REDISPATCH_LONGEST
from questline_persistence.schema import tickets
from questline_scheduler.client import QuestClient
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Pool, completed, quest, successes, tell
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

#: Everything that is ready runs within this after the broker is back, in seconds.
BACK_WITHIN = 5.0
#: How long the broker hangs, in seconds: Dramatiq's own consumers have been seen to die of it.
STALL = 13.0


def _flush(server: ValkeyServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def _limit(server: ValkeyServer, memory: int) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", memory)


def _nothing(_: ValkeyServer) -> None:
    """The broker is back by itself."""


#: For each outage how it begins, how it ends, and how long it lasts at least, in seconds.
OUTAGES: dict[str, tuple[Callable[[ValkeyServer], None], Callable[[ValkeyServer], object], float]] = {
    "flushed": (_flush, _nothing, 0.0),
    "restarted": (ValkeyServer.restart, _nothing, 0.0),
    "down": (ValkeyServer.stop, ValkeyServer.start, 0.0),
    "stalled": (ValkeyServer.pause, ValkeyServer.resume, STALL),
    "out_of_memory": (lambda server: _limit(server, 1), lambda server: _limit(server, 0), 0.0),
}


def _ring_late(client: QuestClient, quest_ids: list[str]) -> None:
    """Let quests have waited so long that they would be rung again in ten minutes, had the broker not suffered."""
    late = client.database.clock.now() + REDISPATCH_LONGEST
    change = update(tickets).where(tickets.c.quest_id.in_(quest_ids)).values(ring_at=late, dispatches=9)
    client.database.write(lambda connection: connection.execute(change))


@pytest.mark.parametrize("outage", OUTAGES)
def test_fault_02_quests_are_accepted_and_checkpoints_commit_whatever_the_broker_suffers(
    fragile_broker_pool: Pool, valkey_server: ValkeyServer, outage: str
) -> None:
    pool, gate, begun = fragile_broker_pool, fragile_broker_pool.gate(), threading.Event()
    ran: list[str] = []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        begun.set()
        gate.wait()
        ran.append(context.idempotency_key)
        return "kept"

    @lord("quick", "work")
    def quick(context: LordContext) -> str:
        ran.append(context.idempotency_key)
        return context.position

    begin, end, length = OUTAGES[outage]
    member = pool.start(threads=1)
    client = pool.client()
    running = client.submit(quest("slow", "quick"))
    assert begun.wait(LONG)
    patient = client.submit_many([quest("quick") for _ in range(3)])
    _ring_late(client, [handle.quest_id for handle in patient])
    consumers = list(member.worker.consumers.values())
    began = time.monotonic()
    begin(valkey_server)
    accepted = client.submit_many([quest("quick", "quick") for _ in range(5)])
    gate.set()
    eventually(lambda: (0, "0001") in successes(client, running.quest_id), timeout=LONG)
    eventually(lambda: time.monotonic() - began >= length, timeout=2 * STALL)
    end(valkey_server)
    back = time.monotonic()
    for handle in (running, *patient, *accepted):
        completed(handle)
    seconds = time.monotonic() - back
    tell(f"{outage}: all done {seconds:.2f} s after the broker was back")
    assert seconds <= BACK_WITHIN
    assert len(ran) == len(set(ran)) == 15
    assert list(member.worker.consumers.values()) == consumers
    assert all(thread.is_alive() for thread in consumers), "a consumer died of it"
