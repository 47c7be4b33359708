"""duratiq's engine on PostgreSQL with the actors that its workers run."""

from __future__ import annotations

import json
import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from duratiq import Engine, Registry, SqlStore, activity, workflow
from duratiq.drivers.dramatiq import DramatiqDriver
from order import Order
from sqlalchemy import create_engine

order = Order(**json.loads(os.environ["BENCH_ORDER"]))
registry = Registry()


@activity(name="step", registry=registry)
def step() -> None:
    """Do nothing."""


@workflow(name="chain", registry=registry)
def chain(ctx: Any, steps: int) -> int:
    """Run the steps, one after the other."""
    for _ in range(steps):
        ctx.activity(step)
    return steps


dramatiq.set_broker(RedisBroker(url=order.broker_url))
database = create_engine(
    order.database_url.replace("postgresql://", "postgresql+psycopg://"),
    pool_size=order.threads,
    max_overflow=order.threads,
)
store = SqlStore(engine=database)
engine = Engine(registry, store)
DramatiqDriver(engine)
