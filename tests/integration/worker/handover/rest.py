"""What is left of steps: in a worker, in the tickets, in the history."""

from __future__ import annotations

from typing import Any

from questline_scheduler.doorbells.memory_broker import MemoryConsumer
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_worker.middleware import Checkpoints
from tests.contract.quests import Workbench
from tests.integration.worker.pools import Member, Pool


def consumers(member: Member) -> list[Any]:
    return [thread.consumer for thread in member.worker.consumers.values()]


def places_taken(member: Member) -> int:
    """Return for how many messages the consumers of a worker believe that a thread is busy."""
    found = 0
    for consumer in consumers(member):
        assert isinstance(consumer, MemoryConsumer | RedisConsumer)
        found += consumer._held if isinstance(consumer, MemoryConsumer) else len(consumer._held) + consumer._reserved
    return found


def all_is_free(member: Member) -> bool:
    """Tell whether nothing is left of any step in a worker that has nothing to do."""
    (checkpoints,) = (each for each in member.broker.middleware if isinstance(each, Checkpoints))
    return not (
        places_taken(member)
        or member.process.running.all()
        or checkpoints._handover._steps
        or checkpoints._handover._reserved
    )


def ticket_of(pool: Pool, quest_id: str) -> Any:
    bench = Workbench(pool.database_url)
    try:
        return bench.ticket(quest_id)
    finally:
        bench.close()


def everywhere(position: int) -> list[tuple[int, str]]:
    """Return the successes of a quest of so many steps."""
    return [(0, f"{number:04d}") for number in range(1, position + 1)]
