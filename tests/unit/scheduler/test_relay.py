import logging

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.memory_broker import MemoryBroker
from questline_scheduler.relay import INTERVAL_IN_PROCESS, INTERVAL_WITH_SERVER, MAX_LOGGED, Relay, Relayed
from tests.contract.quests import Workbench, statements, step
from tests.unit.scheduler.brokers import HandBroker


@pytest.fixture
def broker() -> HandBroker:
    return HandBroker()


@pytest.fixture
def relay(bench: Workbench, broker: HandBroker) -> Relay:
    return Relay(bench.recovery, broker)


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
    monkeypatch.setattr("questline_scheduler.relay.MAX_REDISPATCH", 3)
    for _ in range(4):
        bench.submit("a")
    bench.clock.advance(3)
    assert relay.run_once() == Relayed(3, more=True)
    assert relay.run_once() == Relayed(1)


def test_a_memory_is_filled_no_further_than_there_is_room(bench: Workbench) -> None:
    broker = MemoryBroker()
    broker.declare_queue("default")
    relay = Relay(bench.recovery, broker)
    bench.submit("a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "room", lambda: 0)
        assert relay.run_once() == Relayed()
    assert relay.run_once() == Relayed(1)


def test_a_memory_leaves_alone_what_nobody_here_listens_to(bench: Workbench) -> None:
    broker = MemoryBroker()
    broker.declare_queue("default")
    relay = Relay(bench.recovery, broker)
    here, elsewhere = bench.submit("a"), bench.submit(step("a", queue="gpu"))
    assert relay.run_once() == Relayed(1)
    assert _dispatches(bench, here) == 1
    assert _dispatches(bench, elsewhere) == 0


def test_how_often_the_relay_looks_goes_by_whether_bells_travel(bench: Workbench, relay: Relay) -> None:
    assert relay.interval == INTERVAL_WITH_SERVER
    assert Relay(bench.recovery, MemoryBroker()).interval == INTERVAL_IN_PROCESS


def test_what_is_rung_again_is_logged_with_some_quests_and_counted(
    bench: Workbench, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    quest_ids = {bench.submit("a") for _ in range(MAX_LOGGED + 3)}
    bench.clock.advance(3)
    with caplog.at_level(logging.INFO):
        relay.run_once()
        relay.run_once()

    (line,) = [record.msg for record in caplog.records]
    assert isinstance(line, dict)
    assert (line["event"], line["bells"], len(line["quest_ids"])) == ("redispatched", MAX_LOGGED + 3, MAX_LOGGED)
    assert set(line["quest_ids"]) < quest_ids
    assert bench.repository.get_counters()["redispatched"] == MAX_LOGGED + 3


def test_bells_that_found_no_room_are_not_counted(bench: Workbench, relay: Relay, broker: HandBroker) -> None:
    for _ in range(5):
        bench.submit("a")
    bench.clock.advance(3)
    broker.capacity = 2
    relay.run_once()
    assert bench.repository.get_counters()["redispatched"] == 2


def test_where_ringing_is_how_all_work_is_found_it_is_not_counted_as_an_exception(bench: Workbench) -> None:
    broker = MemoryBroker()
    broker.declare_queue("default")
    bench.submit("a")
    bench.clock.advance(3)
    assert Relay(bench.recovery, broker).run_once() == Relayed(1)
    assert bench.repository.get_counters()["redispatched"] == 0
