from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells import Ringer, ringer
from tests.contract.quests import Workbench, quest, statements
from tests.unit.scheduler.doorbells.brokers import HandBroker


@pytest.fixture
def broker() -> HandBroker:
    return HandBroker()


def clock_of_ringers(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the clock by which ringers go from now on."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(ringer.time, "monotonic", lambda: clock.now)
    return clock


@contextmanager
def stalling(broker: HandBroker, clock: SimpleNamespace) -> Iterator[None]:
    """Let the broker fail to answer for five seconds whenever it is rung."""

    def stall(_: object) -> list[Doorbell]:
        clock.now += 5.0
        raise StoreUnavailable("no reply")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "ring", stall)
        yield


def test_bells_are_rung(bench: Workbench, broker: HandBroker) -> None:
    quest_id = bench.submit("a")
    bell = bench.bells.bell_of(quest_id)
    assert bell is not None
    assert Ringer(broker, bench.bells).ring([bell])
    assert broker.rung == [quest_id]


def test_nothing_to_ring_asks_nothing_of_anybody(bench: Workbench, broker: HandBroker) -> None:
    with statements(bench.database) as sent:
        assert Ringer(broker, bench.bells).ring([])
    assert (sent, broker.asked) == ([], 0)


def test_a_broker_that_is_down_costs_no_write_and_raises_nothing(bench: Workbench, broker: HandBroker) -> None:
    bell = bench.bells.bell_of(bench.submit("a"))
    assert bell is not None
    broker.down = True
    with statements(bench.database) as sent:
        assert not Ringer(broker, bench.bells).ring([bell])
    assert sent == []


def test_bells_that_found_no_room_are_left_to_the_relay(bench: Workbench, broker: HandBroker) -> None:
    first, second = (bench.bells.bell_of(bench.submit("a")) for _ in range(2))
    assert first is not None
    assert second is not None
    broker.capacity = 1
    assert not Ringer(broker, bench.bells).ring([first, second])
    assert [bell.quest_id for bell in bench.bells.due()] == [second.quest_id]


def test_a_broker_that_stalls_is_left_alone_for_as_long_as_it_did(
    bench: Workbench, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = bench.bells.bell_of(bench.submit("a"))
    assert bell is not None
    clock = clock_of_ringers(monkeypatch)
    mine = Ringer(broker, bench.bells)
    with stalling(broker, clock):
        assert not mine.ring([bell])
    clock.now += 4.9
    assert not mine.ring([bell])
    assert broker.asked == 0
    clock.now += 0.2
    assert mine.ring([bell])


def test_a_client_that_met_a_stalled_broker_submits_on_without_waiting_for_it(
    bench: Workbench, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_of_ringers(monkeypatch)
    client = QuestClient(database=bench.database, broker=broker)
    with stalling(broker, clock):
        client.submit(quest("a"))
    client.submit(quest("a"))
    assert broker.asked == 0
    clock.now += 5.1
    last = client.submit(quest("a"))
    assert broker.rung == [last.quest_id]


def test_where_nobody_hears_it_the_relay_is_to_ring(bench: Workbench, broker: HandBroker) -> None:
    quest_id = bench.submit("a")
    bell = bench.bells.bell_of(quest_id)
    assert bell is not None
    assert bench.bells.due() == []

    assert not Ringer(broker, bench.bells, heard=False).ring([bell])

    assert broker.asked == 0
    assert [due.quest_id for due in bench.bells.due()] == [quest_id]
