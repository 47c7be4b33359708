"""What somebody else put where bells are."""

import dramatiq
import pytest

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells.bell_message import MAX_MESSAGE_BYTES
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from tests.doorbells import bell, declare, working
from tests.integration.brokers.redis.consumers import failures
from tests.waiting import eventually

#: A message of another actor, as Dramatiq's own broker would write it.
FOREIGN = dramatiq.Message(queue_name="default", actor_name="mail", args=("q1",), kwargs={}, options={}).encode()


@pytest.mark.parametrize(
    "forged",
    [
        FOREIGN,
        FOREIGN[:40],
        b"q" * (MAX_MESSAGE_BYTES + 1),
        b"q" * 3_000_000,
        b"\xff\x00",
        b"",
        b"q1:0:0001",
        b"q1:0:0001:1:",
        "q1:٣:0001:3".encode(),
    ],
    ids=["foreign", "truncated", "oversized", "huge", "binary", "empty", "short", "long", "digits"],
)
def test_fault_14_a_message_that_is_no_doorbell_is_dropped_and_those_behind_it_arrive(
    broker: RingingRedisBroker, forged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    broker.client.zadd("questline:{default}:queue:default:ready", {forged: -1e15})
    with working(broker):
        broker.ring([bell("q1")])
        broker.join("default", timeout=10_000)
    assert ran == ["q1"]
    assert broker.dropped == 1
    assert "message_dropped" in caplog.text


def test_keys_of_another_type_keep_the_consumer_waiting_but_alive(broker: RingingRedisBroker) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    broker.client.set("questline:{default}:queue:default:ready", "vandal")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        broker.ring([bell("q1")])
    with working(broker) as worker:
        eventually(lambda: failures(worker) > 1)
        broker.client.delete("questline:{default}:queue:default:ready")
        broker.ring([bell("q1")])

        eventually(lambda: ran == ["q1"])
