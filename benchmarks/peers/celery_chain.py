"""Celery: each chain is a chain of tasks; nothing is kept but what the broker holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from celery import chain
from order import WARM_UP, Order, answer, read, wait_for

FOLDER = Path(__file__).parent


def main() -> None:
    """Start the workers, run the chains, and say how long they took."""
    order = read()
    os.environ["BENCH_ORDER"] = sys.argv[1]
    import celery_actors as own  # noqa: PLC0415  (it opens what the order names)

    options = ["--pool=prefork", f"--concurrency={order.processes}", "--loglevel=ERROR"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    words = [sys.executable, "-m", "celery", "-A", "celery_actors", "worker", *options, *quiet]
    workers = subprocess.Popen(words, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        warm = WARM_UP if order.quests > 1 else 1
        run(own, warm, order)
        seconds = run(own, order.quests, order)
    finally:
        workers.terminate()
        workers.wait(30)
    answer(order, seconds, f"prefork {order.processes}, ignore_result, {' '.join(quiet)}; keeps nothing")


def run(own: Any, count: int, order: Order) -> float:
    """Return the seconds from the first chain being sent to the last being done."""
    own.client.delete(own.DONE)
    started = time.perf_counter()
    for _ in range(count):
        chain(*(own.step.si() for _ in range(order.steps - 1)), own.last_step.si()).apply_async()
    wait_for(count, lambda: int(own.client.get(own.DONE) or 0))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
