"""Bare Dramatiq, which keeps nothing: a step that enqueues its successor, as people write it.

Run by `dramatiq benchmarks.bare_dramatiq -p 2 -t 8` with Dramatiq's own Redis broker and default middleware.
"""

from __future__ import annotations

import os
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

URL = os.environ["BENCH_BROKER_URL"]
#: Where finished chains are counted, and where steps write down when they were called.
DONE, STAMPS = "bench:done", "bench:stamps"

dramatiq.set_broker(RedisBroker(url=URL))  # type: ignore[no-untyped-call]  # Dramatiq's
client = redis.Redis.from_url(URL)


@dramatiq.actor
def step(chain: str, position: int, steps: int) -> None:
    """Do nothing, then hand over to the next step; the last one counts the chain as done."""
    if position < steps:
        step.send(chain, position + 1, steps)
    else:
        client.incr(DONE)


@dramatiq.actor
def stamped_step(chain: str, position: int, steps: int) -> None:
    """Do the same, and write down when the first and the last step were called."""
    if position in {1, steps}:
        client.rpush(STAMPS, time.time())
    if position < steps:
        stamped_step.send(chain, position + 1, steps)
    else:
        client.incr(DONE)
