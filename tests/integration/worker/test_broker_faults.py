"""What may happen to the broker without harm to any quest (docs/project/faults.md, faults 2, 3, 12 and 14)."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from questline_persistence.claims import Doorbell
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext, lord
from questline_worker.steps import Handover
from tests.contract.quests import Workbench
from tests.integration.worker.pools import LONG, Pool, TriplingBroker, completed, ended, quest, steps, successes, tell
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually


@pytest.fixture
def failing_broker_pool(postgres_url: str, valkey_server: ValkeyServer) -> object:
    """A pool on a Valkey that may be stopped, whatever broker the other tests use."""
    valkey_server.flush()
    pool = Pool(postgres_url, valkey_server.url)
    try:
        yield pool
    finally:
        valkey_server.flush()
        pool.close()


def _counting_lord(name: str = "a") -> list[str]:
    ran: list[str] = []

    @lord(name, "work")
    def work(context: LordContext) -> str:
        ran.append(f"{context.quest_id}/{context.position}")
        return context.position

    return ran


def test_flushall_with_quests_in_flight_loses_nothing(failing_broker_pool: Pool, valkey_server: ValkeyServer) -> None:
    pool, gate = failing_broker_pool, failing_broker_pool.gate()
    begun = threading.Event()
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(f"{context.quest_id}/{context.position}")
        begun.set()
        gate.wait()
        return context.position

    pool.start(threads=2)
    client = pool.client()
    handles = client.submit_many([quest("a", "a") for _ in range(12)])
    assert begun.wait(LONG)
    with redis.Redis.from_url(valkey_server.url) as raw:
        raw.flushall()
    flushed = time.monotonic()
    gate.set()
    for handle in handles:
        completed(handle)
    tell(f"all done {time.monotonic() - flushed:.2f} s after FLUSHALL")
    assert len(ran) == len(set(ran)) == 24


def _stop(server: ValkeyServer) -> None:
    server.stop()


def _fill(server: ValkeyServer) -> None:
    with redis.Redis.from_url(server.url) as raw:
        raw.config_set("maxmemory", 1)


def _make_room(server: ValkeyServer) -> None:
    with redis.Redis.from_url(server.url) as raw:
        raw.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    ("begin", "end"), [(_stop, ValkeyServer.start), (_fill, _make_room)], ids=["down", "out_of_memory"]
)
def test_quests_are_accepted_and_run_while_the_broker_takes_no_bells(
    failing_broker_pool: Pool,
    valkey_server: ValkeyServer,
    caplog: pytest.LogCaptureFixture,
    begin: Callable[[ValkeyServer], None],
    end: Callable[[ValkeyServer], None],
) -> None:
    caplog.set_level(logging.INFO)
    pool = failing_broker_pool
    ran = _counting_lord()
    pool.start(loops=False)
    pool.start(queues=("other",))
    client = pool.client()
    completed(client.submit(quest("a")))
    begin(valkey_server)
    handles = [client.submit(quest("a", LordStep("a", "work", queue="other"))) for _ in range(5)]
    assert all(handle.created for handle in handles)
    for handle in handles:
        completed(handle)
    assert "broker_unavailable" in caplog.text
    end(valkey_server)
    eventually(lambda: "broker_back" in caplog.text, timeout=LONG)
    completed(client.submit(quest("a", "a")))
    assert len(ran) == len(set(ran)) == 13


def test_a_running_step_is_committed_while_the_broker_is_down(
    failing_broker_pool: Pool, valkey_server: ValkeyServer
) -> None:
    pool, gate, begun = failing_broker_pool, failing_broker_pool.gate(), threading.Event()

    @lord("slow", "work")
    def slow(_: LordContext) -> str:
        begun.set()
        gate.wait()
        return "kept"

    @lord("next", "work")
    def following(_: LordContext, slow: str) -> str:
        return slow

    pool.start()
    client = pool.client()
    handle = client.submit(quest("slow", "next"))
    assert begun.wait(LONG)
    valkey_server.stop()
    gate.set()
    eventually(lambda: successes(client, handle.quest_id) == [(0, "0001")], timeout=LONG)
    valkey_server.start()
    assert completed(handle).output_data == "kept"


def test_fault_02_a_broker_that_stalls_holds_up_no_commit_of_busy_threads(
    failing_broker_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = failing_broker_pool
    _counting_lord()
    monkeypatch.setattr(Handover, "reserve", lambda *_, **__: None)  # every result is posted, and needs a bell
    both = threading.Barrier(2, timeout=LONG)
    lord("both", "work")(lambda _: both.wait())  # two are busy, so that their results are posted
    member, client = pool.start(threads=4), pool.client()
    answers, ring = pool.gate(), member.broker.ring

    def stall(bells: Any) -> list[Doorbell]:
        answers.wait()
        return ring(bells)

    member.broker.ring = stall  # type: ignore[method-assign]
    first = client.submit_many([quest("both", "a") for _ in range(2)])
    eventually(lambda: member.process.journal._checkpointing._thread is not None, timeout=LONG)
    eventually(lambda: all(successes(client, one.quest_id) for one in first), timeout=LONG)
    others = client.submit_many([quest("both", "a") for _ in range(6)])
    eventually(lambda: all(successes(client, one.quest_id) for one in others), timeout=LONG)
    answers.set()
    for handle in (*first, *others):
        completed(handle)


def test_fault_02_dispatch_counters_do_not_run_away_while_the_broker_is_down(
    failing_broker_pool: Pool, valkey_server: ValkeyServer
) -> None:
    from sqlalchemy import select  # noqa: PLC0415  beside its only use

    from questline_persistence.schema import tickets  # noqa: PLC0415  as above

    pool = failing_broker_pool
    _counting_lord()
    pool.start()
    client = pool.client()
    completed(client.submit(quest("a")))
    valkey_server.stop()
    handle = client.submit(quest("a", queue="other"))  # nobody finds it in SQL meanwhile
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 3.0)  # a dozen looks of the relay
    query = select(tickets.c.dispatches).where(tickets.c.quest_id == handle.quest_id)
    assert client.database.read(lambda connection: connection.execute(query).scalar()) == 0
    valkey_server.start()
    pool.start(queues=("other",))
    completed(handle)


def test_fault_02_what_a_broker_has_evicted_is_rung_again_though_it_remembers_that_all_was_rung(
    failing_broker_pool: Pool, valkey_server: ValkeyServer
) -> None:
    pool, ran = failing_broker_pool, _counting_lord()
    client = pool.client()
    assert not client.broker.recollects()
    client.broker.remember()
    handles = client.submit_many([quest("a") for _ in range(20)])
    bench = Workbench(pool.database_url)
    bench.execute("UPDATE tickets SET ring_at = ring_at + 600, dispatches = 9")
    bench.close()
    with redis.Redis.from_url(valkey_server.url) as raw:
        assert raw.delete("questline:{default}:queue:default:ready", "questline:{default}:queue:default:wake")
    pool.start()
    for handle in handles:
        completed(handle)
    assert len(ran) == 20
    assert client.repository.get_counters()["redispatched"] == 20


def test_fault_03_duratiq_2_a_doorbell_that_rings_three_times_is_one_success_each(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = _counting_lord()
    monkeypatch.setattr(Handover, "reserve", lambda *_, **__: None)  # every step goes by the broker
    member = pool.start(threads=4)
    tripled = TriplingBroker(member.broker)
    client = pool.client()
    handles = client.submit_many([quest("a", "a", "a") for _ in range(10)])
    for handle in handles:
        completed(handle)
    assert tripled.rung >= 20
    assert len(ran) == len(set(ran)) == 30
    for handle in handles:
        assert successes(client, handle.quest_id) == [(0, "0001"), (0, "0002"), (0, "0003")]


def test_fault_03_duratiq_6_lost_doorbells_are_rung_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a worker dies between its commit and its ring, each time."""
    ran = _counting_lord()
    member = pool.start()
    client = pool.client()
    monkeypatch.setattr("questline_scheduler.doorbells.ringer.Ringer.ring", lambda _self, bells: not bells)
    done = completed(client.submit(quest("a", "a", "a")))
    assert len(ran) == 3
    member.stop()
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0002"), (0, "0003")]


def test_fault_14_a_forged_doorbell_does_nothing_that_the_rows_do_not_allow(pool: Pool) -> None:
    ran = _counting_lord()
    member = pool.start()
    client = pool.client()
    done = completed(client.submit(quest("a", "a")))
    client.submit(quest("a", quest_id="held", queue="unheard"))  # nobody runs it before it is paused
    client.pause("held")
    before = len(ran)
    forged = [
        Doorbell("nobody", 0, "0001", 7),
        Doorbell("held", 0, "0001", 7),
        Doorbell(done.quest_id, 0, "0001", 7),
        Doorbell(done.quest_id, 1, "0001", 7),
        Doorbell(done.quest_id, 0, "0009", 7),
    ]
    member.broker.ring(forged)
    last = client.submit(quest("a"))
    completed(last)
    assert {entry.split("/")[0] for entry in ran[before:]} == {last.quest_id}
    assert client.repository.status("held") == "paused"


def test_a_quest_submitted_elsewhere_is_found_by_a_worker_with_a_broker_in_memory(sqlite_pool: Pool) -> None:
    ran = _counting_lord()
    sqlite_pool.start()
    client = sqlite_pool.client()  # its bells reach nobody: its memory is another
    begun = time.monotonic()
    completed(client.submit(quest("a", "a")))
    tell(f"done after {time.monotonic() - begun:.2f} s")
    assert len(ran) == 2


def test_a_worker_that_was_away_finds_what_was_submitted_meanwhile(pool: Pool) -> None:
    ran = _counting_lord()
    client = pool.client()
    handles = client.submit_many([quest("a") for _ in range(20)])
    pool.start()
    for handle in handles:
        completed(handle)
    assert len(ran) == 20


def test_fault_12_rings_that_nobody_has_time_for_do_not_multiply(server_pool: Pool) -> None:
    """The broker's length stays bounded by the number of ready tickets."""
    gate, begun = server_pool.gate(), threading.Event()

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        begun.set()
        gate.wait()
        return context.position

    member = server_pool.start(threads=1)
    client = server_pool.client()
    handles = client.submit_many([quest("slow") for _ in range(30)])
    assert begun.wait(LONG)
    for _ in range(5):
        client._bells.ring_all()
        bells = client._bells.due()
        client.broker.ring(bells)
    queue = client.broker._queue("default")  # type: ignore[attr-defined]
    assert queue.size() <= 30
    gate.set()
    for handle in handles:
        ended(client, handle.quest_id, "completed")
    assert member.broker.dropped == 0


def test_steps_without_a_pause_between_them_hand_over_by_the_doorbell_alone(pool: Pool) -> None:
    ran = _counting_lord()
    pool.start(loops=True)
    client = pool.client()
    begun = time.monotonic()
    completed(client.submit(quest(*steps(*["a"] * 20))))
    tell(f"20 steps in {time.monotonic() - begun:.2f} s")
    assert len(ran) == 20
