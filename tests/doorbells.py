"""Bells to ring in tests, and a stock Dramatiq worker that notes whose rang."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
from dramatiq import Consumer

from questline_persistence.claims import Doorbell
from questline_scheduler.doorbells import ACTOR_NAME, DoorbellBroker
from tests.waiting import eventually

#: The queues that tests ring in.
QUEUES = ("default", "bulk", "mail")


def bell(quest_id: str, priority: int = 0, *, fence: int = 0, queue: str = "default") -> Doorbell:
    """Return a bell for the first step of a quest."""
    return Doorbell(quest_id, 0, "0001", fence, queue, priority)


def declare(broker: DoorbellBroker, run: Callable[[str], None]) -> dramatiq.Actor[..., None]:
    """Declare the actor for bells; it calls `run` with the quest's id."""

    @dramatiq.actor(actor_name=ACTOR_NAME, broker=broker)
    def run_step(*, quest_id: str, epoch: int, position: str) -> None:  # noqa: ARG001  the actor's signature
        run(quest_id)

    return run_step


@contextmanager
def working(broker: DoorbellBroker, *, threads: int = 2, timeout: int = 100) -> Iterator[dramatiq.Worker]:
    """Run a worker whose consumers wait `timeout` milliseconds; stop it in the end."""
    worker = dramatiq.Worker(broker, worker_timeout=timeout, worker_threads=threads)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def received(consumer: Consumer) -> dramatiq.MessageProxy:
    """Return the next message of a consumer."""
    message = eventually(lambda: next(consumer), interval=0.0)
    assert message is not None
    return message


def taken(broker: DoorbellBroker, *, queue: str = "default", prefetch: int = 100) -> list[str]:
    """Return the ids of all messages that a new consumer gets, and leave them in its hands."""
    consumer = broker.consume(queue, prefetch, timeout=10)
    return [message.message_id for message in iter(lambda: next(consumer), None) if message is not None]


def quests(message_ids: list[str]) -> list[str]:
    """Return the quests that these messages are about."""
    return [name.partition(":")[0] for name in message_ids]
