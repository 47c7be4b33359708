"""questline inside one process, as a small service embeds it: it submits quests and runs them on its own threads.

`python -m benchmarks.embedded URL QUESTS STEPS [TOOL]` prints what it found as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq

from benchmarks import lords  # noqa: F401  (registers the Lords)
from benchmarks.harness.store import quests
from questline import QuestClient
from questline_persistence import schema
from questline_persistence.settings import load
from questline_worker.process import WorkerProcess

#: Most quests to run before anything is measured.
WARM_UP = 50
#: As `questline worker` starts its threads.
POLL_MS = 500


@contextmanager
def embedded(database_url: str, broker_url: str = "memory://") -> Iterator[QuestClient]:
    """Run a worker with the default settings in this process; yield a client that shares its store and broker."""
    settings = load(database_url=database_url, broker_url=broker_url)
    process = WorkerProcess(settings)
    schema.ensure(process.database, auto_migrate=settings.auto_migrate)  # as `questline worker` does
    worker = dramatiq.Worker(
        process.broker, queues=set(settings.queues), worker_threads=settings.worker_threads, worker_timeout=POLL_MS
    )
    worker.start()
    try:
        yield QuestClient(settings.database_url, settings.broker_url, database=process.database, broker=process.broker)
    finally:
        worker.stop(timeout=10_000)
        process.broker.close()
        process.database.close()


def run(client: QuestClient, count: int, steps: int, tool: str = "noop") -> tuple[float, list[str]]:
    """Run quests; return the seconds that they took from the first submission on, and their ids."""
    # Whoever looks takes Python's lock from those who work: one quest alone, whose steps tell their times, is let be.
    interval = 0.01 if count > 1 else 0.1
    batch = quests(count, steps, tool)
    started = time.perf_counter()
    ids = [handle.quest_id for handle in client.submit_many(batch)]
    pause = threading.Event()
    while client.database.read(lambda own: own.exec_driver_sql("SELECT 1 FROM tickets LIMIT 1").first()) is not None:
        pause.wait(interval)
    return time.perf_counter() - started, ids


def main() -> None:
    """Warm up, run the quests, and say how long they took."""
    url, count, steps, tool = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), (*sys.argv[4:], "noop")[0]
    with embedded(url) as client:
        run(client, min(count, WARM_UP), steps, tool)
        seconds, ids = run(client, count, steps, tool)
    print(json.dumps({"seconds": seconds, "quest_ids": ids}))


if __name__ == "__main__":
    main()
