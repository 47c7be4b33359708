import logging

import pytest

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import fields_of
from questline_persistence.recovery.bells import ARRIVAL_SECONDS
from questline_scheduler.doorbells.memory_broker import MemoryBroker
from questline_scheduler.loops import lost_bells, shortlist
from questline_scheduler.loops.relay import (
    INTERVAL_IN_PROCESS,
    INTERVAL_WITH_SERVER,
    MAX_LOGGED,
    Relay,
    Relayed,
)
from tests.contract.quests import Workbench, failure, statements, step
from tests.doorbells import quests, taken
from tests.unit.scheduler.doorbells.brokers import HandBroker


@pytest.fixture
def broker() -> HandBroker:
    return HandBroker()


@pytest.fixture
def relay(bench: Workbench, broker: HandBroker) -> Relay:
    return Relay(bench.bells, bench.counters, broker)


def _dispatches(bench: Workbench, quest_id: str) -> int:
    return int(bench.ticket(quest_id).dispatches)


def test_what_nobody_claimed_in_time_is_rung_again(bench: Workbench, relay: Relay, broker: HandBroker) -> None:
    quest_id = bench.submit("a")
    assert relay.run_once() == Relayed()
    bench.clock.advance(3)
    assert relay.run_once() == Relayed(1)
    assert broker.rung == [quest_id]
    assert relay.run_once() == Relayed()


def test_nothing_is_written_while_nothing_is_due(bench: Workbench, relay: Relay) -> None:
    bench.submit("a")
    with statements(bench.database) as sent:
        relay.run_once()
    assert not [text for text in sent if text.startswith(("UPDATE", "INSERT", "DELETE", "BEGIN IMMEDIATE"))]


def test_the_dispatch_counter_does_not_run_away_while_the_broker_is_down(
    bench: Workbench, relay: Relay, broker: HandBroker
) -> None:
    quest_id = bench.submit("a")
    broker.down = True
    for _ in range(500):
        bench.clock.advance(1)
        assert relay.run_once() == Relayed(broker_up=False)
    assert _dispatches(bench, quest_id) == 0
    broker.down = False
    assert relay.run_once() == Relayed(1), "it must be rung with the first look after the outage"


def test_a_ring_that_fails_after_all_is_due_again_at_once(
    bench: Workbench, relay: Relay, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(3)

    def failing(_: object) -> list[object]:
        raise StoreUnavailable("down since a moment")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "ring", failing)
        for _ in range(100):
            assert relay.run_once() == Relayed(broker_up=False)
    assert _dispatches(bench, quest_id) == 0
    assert relay.run_once() == Relayed(1)


def test_a_broker_that_forgot_everything_is_told_again(bench: Workbench, relay: Relay, broker: HandBroker) -> None:
    """As after FLUSHALL."""
    quests = {bench.submit("a") for _ in range(5)}
    broker.forgot = True
    assert relay.run_once() == Relayed(5)
    assert set(broker.rung) == quests
    assert not broker.forgot
    assert relay.run_once() == Relayed()


def test_a_broker_that_goes_down_while_it_is_told_is_told_again(
    bench: Workbench, relay: Relay, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit("a")
    broker.forgot = True

    def failing() -> None:
        raise StoreUnavailable("down since a moment")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "remember", failing)
        assert relay.run_once() == Relayed(broker_up=False)
    assert broker.forgot
    assert relay.run_once() == Relayed(1)


def test_bells_that_found_no_room_are_due_again(bench: Workbench, relay: Relay, broker: HandBroker) -> None:
    for _ in range(5):
        bench.submit("a")
    bench.clock.advance(3)
    broker.capacity = 2
    assert relay.run_once() == Relayed(2)
    assert relay.run_once() == Relayed(2)
    assert relay.run_once() == Relayed(1)
    assert len(set(broker.rung)) == 5


def test_a_full_batch_asks_for_another_look_at_once(
    bench: Workbench, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_scheduler.loops.relay.MAX_REDISPATCH", 3)
    for _ in range(4):
        bench.submit("a")
    bench.clock.advance(3)
    assert relay.run_once() == Relayed(3, more=True)
    assert relay.run_once() == Relayed(1)


@pytest.fixture
def memory() -> MemoryBroker:
    """A broker in memory with two threads."""
    broker = MemoryBroker()
    for queue in ("default", "bulk", "mail"):
        broker.declare_queue(queue)
        broker.consume(queue, prefetch=2, timeout=10)
    return broker


def test_a_memory_is_filled_with_no_more_than_it_wants(bench: Workbench, memory: MemoryBroker) -> None:
    relay = Relay(bench.bells, bench.counters, memory)
    bench.submit("a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "wanted", lambda _: 0)
        assert relay.run_once() == Relayed()
    assert relay.run_once() == Relayed(1)


def test_a_memory_leaves_alone_what_nobody_here_listens_to(bench: Workbench, memory: MemoryBroker) -> None:
    relay = Relay(bench.bells, bench.counters, memory)
    here, elsewhere = bench.submit("a"), bench.submit(step("a", queue="gpu"))
    assert relay.run_once() == Relayed(1)
    assert _dispatches(bench, here) == 1
    assert _dispatches(bench, elsewhere) == 0


def test_a_memory_gets_the_most_urgent_first_however_many_are_older(bench: Workbench, memory: MemoryBroker) -> None:
    for _ in range(30):
        bench.submit("a")
        bench.clock.advance(1)
    urgent = [bench.submit("a", priority=priority) for priority in (1000, 5)]
    assert Relay(bench.bells, bench.counters, memory).run_once().rung == 2
    assert quests(taken(memory)) == urgent


def test_a_memory_gets_from_each_queue_in_its_turn(bench: Workbench, memory: MemoryBroker) -> None:
    for _ in range(30):
        bench.submit(step("a", queue="bulk"))
        bench.clock.advance(1)
    letter, other = bench.submit(step("a", queue="mail")), bench.submit(step("a", queue="default"))
    relay, rung = Relay(bench.bells, bench.counters, memory), set[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "wanted", lambda _: 1)
        for _ in range(3):
            relay.run_once()
            rung |= {
                quest_id for queue in ("bulk", "mail", "default") for quest_id in quests(taken(memory, queue=queue))
            }
    assert {letter, other} < rung


def test_between_two_dear_looks_a_memory_is_filled_from_what_is_listed_and_then_by_age(
    bench: Workbench, memory: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlist, "REST", 1e9)
    monkeypatch.setattr(shortlist, "LISTED", 3)
    monkeypatch.setattr(memory, "wanted", lambda _: 2)
    found = []
    for number in range(6):
        found.append(bench.submit("a", priority=number))
        bench.clock.advance(1)
    relay = Relay(bench.bells, bench.counters, memory)
    rung = list[list[str]]()
    monkeypatch.setattr(memory, "ring", lambda bells: rung.append([bell.quest_id for bell in bells]) or [])
    for _ in range(4):
        relay.run_once()
    assert rung == [[found[5], found[4]], [found[3]], [found[0], found[1]], [found[2]]]


def test_what_waited_too_long_in_a_memory_is_there_for_another_process(
    bench: Workbench, memory: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(bench.bells, bench.counters, memory)
    relay.run_once()
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET dispatches = 9, ring_at = available_at")
    assert relay.run_once() == Relayed(1)
    assert bench.ticket(quest_id).ring_at > bench.clock.now() + 500

    monkeypatch.setattr("questline_scheduler.doorbells.memory_broker.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(memory, "wanted", lambda _: 0)
    relay.run_once()
    assert bench.ticket(quest_id).ring_at == bench.clock.now()
    assert taken(memory) == []


def test_how_often_the_relay_looks_goes_by_whether_bells_travel(bench: Workbench, relay: Relay) -> None:
    assert relay.interval == INTERVAL_WITH_SERVER
    assert Relay(bench.bells, bench.counters, MemoryBroker()).interval == INTERVAL_IN_PROCESS


def test_what_the_broker_has_lost_is_rung_again_logged_with_some_quests_and_counted(
    bench: Workbench, relay: Relay, broker: HandBroker, caplog: pytest.LogCaptureFixture
) -> None:
    quest_ids = {bench.submit("a") for _ in range(MAX_LOGGED + 3)}
    kept = bench.submit("a")
    bench.execute("UPDATE tickets SET ring_at = ring_at + 600, dispatches = 9")
    bench.clock.advance(ARRIVAL_SECONDS)
    broker.lost = set(quest_ids)
    with caplog.at_level(logging.INFO):
        assert relay.run_once() == Relayed(len(quest_ids), more=True)
        assert relay.run_once() == Relayed()

    (line,) = [fields_of(record) for record in caplog.records]
    assert (line["event"], line["bells"], len(line["quest_ids"])) == ("redispatched", MAX_LOGGED + 3, MAX_LOGGED)
    assert set(line["quest_ids"]) < quest_ids
    assert bench.repository.get_counters()["redispatched"] == MAX_LOGGED + 3
    assert kept not in broker.rung


def test_what_is_rung_again_and_was_not_lost_is_not_counted(
    bench: Workbench, relay: Relay, broker: HandBroker, caplog: pytest.LogCaptureFixture
) -> None:
    waits, failed = bench.submit("a"), bench.submit("a")
    bench.journal.fail(failure(bench.claim(failed), retry_in=2.5))
    bench.clock.advance(3)
    with caplog.at_level(logging.INFO):
        assert relay.run_once() == Relayed(2)
    assert sorted(broker.rung) == sorted([waits, failed])
    assert bench.repository.get_counters()["redispatched"] == 0
    assert caplog.records == []


def test_what_a_broker_forgot_is_counted(bench: Workbench, relay: Relay, broker: HandBroker) -> None:
    for _ in range(5):
        bench.submit("a")
    broker.forgot = True
    relay.run_once()
    assert bench.repository.get_counters()["redispatched"] == 5


def test_a_bell_that_may_be_on_its_way_or_that_a_worker_left_is_not_lost(
    bench: Workbench, relay: Relay, broker: HandBroker
) -> None:
    left = bench.submit("a")
    assert bench.bells.refuse(left, 0, "0001", ["b:work"])
    bench.execute("UPDATE tickets SET ring_at = ring_at + 600")
    bench.clock.advance(ARRIVAL_SECONDS)
    young = bench.submit("a")
    broker.lost = {left, young}
    assert relay.run_once() == Relayed()


def test_a_step_that_is_claimed_while_the_broker_is_asked_is_not_lost(
    bench: Workbench, relay: Relay, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = bench.submit("a")
    bench.clock.advance(ARRIVAL_SECONDS)

    def claim_and_forget(bells: list[Doorbell]) -> list[Doorbell]:
        bench.claim(claimed)
        return bells

    monkeypatch.setattr(broker, "missing", claim_and_forget)
    assert relay.run_once() == Relayed()
    assert broker.rung == []


def test_the_broker_is_asked_page_by_page_and_found_losses_at_once(
    bench: Workbench, relay: Relay, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_bells, "PAGE", 2)
    quest_ids = [bench.submit("a") for _ in range(5)]  # all with one ring_at
    bench.clock.advance(ARRIVAL_SECONDS)
    broker.lost = set(quest_ids)
    assert [relay.run_once().rung for _ in range(4)] == [2, 2, 1, 0]
    assert sorted(broker.rung) == sorted(quest_ids)


def test_a_broker_that_loses_what_is_rung_again_is_asked_once_a_second(
    bench: Workbench, relay: Relay, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit("a")
    bench.clock.advance(ARRIVAL_SECONDS)
    monkeypatch.setattr(broker, "missing", lambda bells: bells)
    assert [relay.run_once().rung for _ in range(4)] == [1, 0, 0, 0]


def test_where_ringing_is_how_all_work_is_found_it_is_not_counted_as_an_exception(
    bench: Workbench, memory: MemoryBroker
) -> None:
    bench.submit("a")
    bench.clock.advance(3)
    assert Relay(bench.bells, bench.counters, memory).run_once() == Relayed(1)
    assert bench.repository.get_counters()["redispatched"] == 0
