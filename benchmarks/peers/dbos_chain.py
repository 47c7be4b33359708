"""DBOS: each chain is a workflow of steps; on PostgreSQL every process runs its share, on SQLite there is one."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

from dbos import DBOS, DBOSConfig
from order import WARM_UP, Order, answer, read
from sqlalchemy import create_engine, text


@DBOS.step()
def step() -> None:
    """Do nothing."""


@DBOS.workflow()
def chain(steps: int) -> int:
    """Run the steps, one after the other."""
    for _ in range(steps):
        step()
    return steps


def launch(order: Order, number: int) -> None:
    """Start DBOS in this process."""
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": order.database_url,
        "executor_id": f"process-{number}",
        "log_level": "ERROR",
        "console_log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()


def run(count: int, order: Order) -> None:
    """Run chains on the process's threads until all are done."""
    with ThreadPoolExecutor(order.threads) as threads:
        done = list(threads.map(lambda _: chain(order.steps), range(count)))
    if done != [order.steps] * count:
        raise SystemExit("a chain returned something else than its length")


def serve(order: Order, number: int, count: int, ready: Barrier, finished: Barrier) -> None:
    """Run one process's share between the two barriers."""
    launch(order, number)
    run(WARM_UP, order)
    ready.wait()
    run(count, order)
    finished.wait()
    DBOS.destroy()


def verify(order: Order) -> None:
    """Check that every chain and every step of it is in the database."""
    engine = create_engine(order.database_url.replace("postgresql://", "postgresql+psycopg://"))
    schema = "" if order.sqlite else "dbos."
    ready = WARM_UP * (1 if order.sqlite else order.processes)
    with engine.connect() as connection:
        chains = connection.execute(
            text(f"SELECT count(*) FROM {schema}workflow_status WHERE status = 'SUCCESS'")
        ).scalar_one()
        steps = connection.execute(text(f"SELECT count(*) FROM {schema}operation_outputs")).scalar_one()
    wanted = order.quests + ready
    if (chains, steps) != (wanted, wanted * order.steps):
        raise SystemExit(f"{chains} chains and {steps} steps in the database instead of {wanted} of {order.steps}")


def main() -> None:
    """Prepare the database, run the processes, and say how long they took."""
    order = read()
    processes = 1 if order.sqlite or order.quests == 1 else order.processes
    if order.sqlite or processes == 1:
        seconds = alone(order)
        setup = f"one process of {order.threads} threads, workflows called directly"
    else:
        seconds = shared(order, processes)
        setup = f"{processes} processes of {order.threads} threads, workflows called directly, no queue"
    answer(order, seconds, f"{setup}, default configuration")


def alone(order: Order) -> float:
    """Return the seconds that one process takes."""
    launch(order, 0)
    run(WARM_UP, order)
    started = time.perf_counter()
    run(order.quests, order)
    seconds = time.perf_counter() - started
    DBOS.destroy()
    if order.sqlite:
        verify(order)
    return seconds


def shared(order: Order, processes: int) -> float:
    """Return the seconds that several processes take, each with its share of the chains."""
    context = multiprocessing.get_context("spawn")
    ready, finished = context.Barrier(processes + 1), context.Barrier(processes + 1)
    share = [order.quests // processes + (number < order.quests % processes) for number in range(processes)]
    launch(order, processes)  # migrates, so that the processes need not race for it
    DBOS.destroy()
    children = [
        context.Process(target=serve, args=(order, number, share[number], ready, finished))
        for number in range(processes)
    ]
    for child in children:
        child.start()
    ready.wait(60)
    started = time.perf_counter()
    finished.wait(500)
    seconds = time.perf_counter() - started
    for child in children:
        child.join()
    verify(order)
    return seconds


if __name__ == "__main__":
    main()
