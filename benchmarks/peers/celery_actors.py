"""The Celery tasks of a chain."""

from __future__ import annotations

import json
import os

import redis
from celery import Celery
from order import Order

order = Order(**json.loads(os.environ["BENCH_ORDER"]))
app = Celery("bench", broker=order.broker_url)
client = redis.Redis.from_url(order.broker_url)
#: Where finished chains are counted.
DONE = "bench:done"


@app.task(ignore_result=True)
def step() -> None:
    """Do nothing."""


@app.task(ignore_result=True)
def last_step() -> None:
    """Count the chain as done."""
    client.incr(DONE)
