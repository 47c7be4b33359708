"""LangGraph: each chain is a thread of a graph of nodes, saved after each node (durability "sync")."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from order import WARM_UP, Order, answer, read
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool


class State(TypedDict):
    """What the nodes pass on."""

    count: int


def step(state: State) -> State:
    """Count."""
    return {"count": state["count"] + 1}


@contextmanager
def saver(order: Order) -> Iterator[Any]:
    """Yield the checkpointer."""
    if order.sqlite:
        with SqliteSaver.from_conn_string(order.database_url.removeprefix("sqlite:///")) as one:
            yield one
        return
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    with ConnectionPool[Connection[Any]](order.database_url, min_size=order.threads, kwargs=options) as pool:
        yield PostgresSaver(pool)


def graph(order: Order, checkpointer: Any) -> Any:
    """Return the graph of one node per step."""
    built = StateGraph(State)
    names = [f"step{number}" for number in range(order.steps)]
    for name in names:
        built.add_node(name, step)
    for one, other in zip([START, *names], [*names, END], strict=True):
        built.add_edge(one, other)
    return built.compile(checkpointer=checkpointer)


def run(compiled: Any, first: str, count: int, order: Order) -> None:
    """Run chains on the process's threads until all are done."""

    def one(number: int) -> int:
        config = {"configurable": {"thread_id": f"{first}-{number}"}, "recursion_limit": order.steps + 10}
        return int(compiled.invoke({"count": 0}, config, durability="sync")["count"])

    with ThreadPoolExecutor(order.threads) as threads:
        done = list(threads.map(one, range(count)))
    if done != [order.steps] * count:
        raise SystemExit("a chain has not counted its steps")


def verify(checkpointer: Any, first: str, count: int, order: Order) -> None:
    """Check that the last state of each chain is saved."""
    for number in range(count):
        saved = checkpointer.get_tuple({"configurable": {"thread_id": f"{first}-{number}"}})
        if saved is None or saved.checkpoint["channel_values"]["count"] != order.steps:
            raise SystemExit(f"chain {first}-{number} is not saved whole")


def serve(order: Order, number: int, count: int, ready: Barrier, finished: Barrier) -> None:
    """Run one process's share between the two barriers."""
    with saver(order) as checkpointer:
        compiled = graph(order, checkpointer)
        run(compiled, f"warm-{number}", WARM_UP, order)
        ready.wait()
        run(compiled, f"chain-{number}", count, order)
        finished.wait()
        verify(checkpointer, f"chain-{number}", count, order)


def alone(order: Order) -> float:
    """Return the seconds that one process takes."""
    with saver(order) as checkpointer:
        checkpointer.setup()
        compiled = graph(order, checkpointer)
        run(compiled, "warm", WARM_UP if order.quests > 1 else 1, order)
        started = time.perf_counter()
        run(compiled, "chain", order.quests, order)
        seconds = time.perf_counter() - started
        verify(checkpointer, "chain", order.quests, order)
    return seconds


def shared(order: Order, processes: int) -> float:
    """Return the seconds that several processes take, each with its share of the chains."""
    with saver(order) as checkpointer:
        checkpointer.setup()
    context = multiprocessing.get_context("spawn")
    ready, finished = context.Barrier(processes + 1), context.Barrier(processes + 1)
    share = [order.quests // processes + (number < order.quests % processes) for number in range(processes)]
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
    if any(child.exitcode for child in children):
        raise SystemExit("a process has failed")
    return seconds


def main() -> None:
    """Run the chains and say how long they took."""
    order = read()
    processes = 1 if order.sqlite or order.quests == 1 else order.processes
    seconds = alone(order) if processes == 1 else shared(order, processes)
    kind = "SqliteSaver, one connection" if order.sqlite else "PostgresSaver, a pool of connections"
    pool = "one process" if processes == 1 else f"{processes} processes"
    answer(order, seconds, f"{pool} of {order.threads} threads, {kind}, durability=sync, no queue")


if __name__ == "__main__":
    main()
