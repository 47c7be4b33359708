"""duratiq: each chain is a workflow whose activities run on Dramatiq workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from order import WARM_UP, Order, answer, read, wait_for

FOLDER = Path(__file__).parent


def main() -> None:
    """Start the workers, run the chains, and say how long they took."""
    order = read()
    os.environ["BENCH_ORDER"] = sys.argv[1]
    import duratiq_actors as own  # noqa: PLC0415  (it opens what the order names)

    own.store.create_all()
    words = [sys.executable, "-m", "dramatiq", "-p", str(order.processes), "-t", str(order.threads), "duratiq_actors"]
    workers = subprocess.Popen(words, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seconds = run(own, order)
    finally:
        workers.terminate()
        workers.wait(30)
    setup = f"`dramatiq -p {order.processes} -t {order.threads}`, RedisBroker, default middleware, DramatiqDriver"
    answer(order, seconds, setup)


def run(own: object, order: Order) -> float:
    """Return the seconds from the first start to the last completion."""
    engine = own.engine  # type: ignore[attr-defined]  # the module of the actors
    warm = WARM_UP if order.quests > 1 else 1
    for _ in range(warm):
        engine.start("chain", steps=order.steps)
    wait_for(warm, lambda: int(engine.count_runs(status="COMPLETED")))
    started = time.perf_counter()
    for _ in range(order.quests):
        engine.start("chain", steps=order.steps)
    wait_for(warm + order.quests, lambda: int(engine.count_runs(status="COMPLETED")))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
