"""Puts the peers' figures beside ours, measured by their scripts in the same call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks.harness.bench import Bench
from benchmarks.harness.peers import PeerRun
from benchmarks.harness.result import Figure, Result
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.statistics import Sample, sample


class Peer(NamedTuple):
    """A peer: its name in the report, its script in benchmarks/peers, and the store that it gets."""

    name: str
    script: str
    store: StoreKind


#: The peers that keep what they did.
POSTGRES_PEERS = (
    Peer("DBOS, PostgreSQL", "dbos_chain", "postgres"),
    Peer("LangGraph, PostgreSQL saver", "langgraph_chain", "postgres"),
    Peer("duratiq, PostgreSQL and Valkey", "duratiq_chain", "postgres"),
)
SQLITE_PEERS = (
    Peer("DBOS, SQLite", "dbos_chain", "sqlite"),
    Peer("LangGraph, SQLite saver", "langgraph_chain", "sqlite"),
)
#: The one that does not.
CELERY = (Peer("Celery chain, Valkey", "celery_chain", "postgres"),)


def add_peers(
    bench: Bench,
    result: Result,
    durable: Sequence[Peer],
    size: tuple[int, int],
    *,
    others: Sequence[Peer] = (),
    handover: bool = False,
) -> Sample | None:
    """Add the peers' figures; return those of the best durable one, or None when no peer was run."""
    if bench.peers is None:
        result.notes.append("the peers were not asked for (`--peers`)")
        return None
    before = len(bench.notes)
    contestants = {peer.name: _peer(bench, peer, size) for peer in (*durable, *others)}
    runs = bench.interleaved(f"{result.key} peers", contestants)
    result.notes += bench.notes[before:]
    figures = {name: _figure(name, found, handover=handover) for name, found in runs.items() if found}
    result.figures += figures.values()
    kept = [figures[peer.name].sample for peer in durable if peer.name in figures]
    best = min if handover else max
    return best(kept, key=lambda measured: measured.median) if kept else None


def _figure(name: str, found: list[PeerRun], *, handover: bool) -> Figure:
    if handover:
        return Figure(name, "ms per step", sample([run.ms_per_step for run in found]), found[0].setup)
    return Figure(name, "steps/s", sample([run.steps_per_second for run in found]), found[0].setup)


def _peer(bench: Bench, peer: Peer, size: tuple[int, int]) -> Callable[[], PeerRun]:
    peers = bench.peers
    assert peers is not None, "the caller has looked"  # noqa: S101  (narrows the type)
    count, steps = size
    return partial(peers.run, peer.script, store=peer.store, quests=count, steps=steps, processes=2, threads=8)
