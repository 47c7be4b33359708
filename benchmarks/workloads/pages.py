"""W17, the pages: how soon a gateway answers a list or a quest in a store that is full of them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from urllib.parse import urlencode

from benchmarks.harness.bench import Bench
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.statistics import percentile, sample
from benchmarks.harness.store import Store
from benchmarks.workloads.copies import aged
from benchmarks.workloads.live import gateway
from questline_persistence.records import QuestSort

#: Quests of each kind of store, and how many of them one statement makes.
FULL: dict[StoreKind, int] = {"postgres": 1_000_000, "sqlite": 100_000}
QUICK: dict[StoreKind, int] = {"sqlite": 200}
BATCH = 50_000
#: Requests for each address of which a p95 is told, and how many filters there are.
TIMES = ((40, None), (1, 2))
#: Longest that one answer may take, in seconds.
PATIENCE = 60
#: One quest in a hundred has failed, one in a thousand is of another type, and the oldest alone is rare in every way.
CHANGED = {
    "status": "CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END",
    "error": "CASE WHEN n % 100 = 0 THEN 'ValueError: no. ' || (n % 7) END",
    "quest_type": "CASE WHEN n = 1 THEN 'rare' WHEN n % 1000 = 0 THEN 'other' ELSE t.quest_type END",
    "queue": "CASE WHEN n = 1 THEN 'rare' ELSE t.queue END",
}
#: Every filter, by its name: one that means many quests, and one that means next to none.
FILTERS: dict[str, dict[str, str]] = {
    "everything": {},
    "a status": {"status": "failed"},
    "a status that no quest has": {"status": "paused"},
    "a type": {"type": "other"},
    "a rare type": {"type": "rare"},
    "a rare queue": {"queue": "rare"},
    "a label that no quest has": {"label": "team=rare"},
    "an error": {"error": "ValueError: no. 3"},
    "a time": {"until": "2020-09-20T00:00:00Z"},
    "a status and a rare type": {"status": "failed", "type": "rare"},
}


def add(bench: Bench, result: Result) -> None:
    """Ask for every list and for one quest, over HTTP and on the dashboard; add what that took.

    Parameters:
      bench: gives the stores.
      result: what the figures are added to.
    """
    (times, filters), sizes = bench.sized(*TIMES), bench.sized(FULL, QUICK)
    stores = {f"{kind}, {count:,} quests": aged(bench, kind, count, BATCH, CHANGED) for kind, count in sizes.items()}
    runs = bench.interleaved(
        "W17 pages",
        {name: partial(_asked, store, times, [*FILTERS.values()][:filters]) for name, store in stores.items()},
    )
    for name, found in runs.items():
        for what in found[0]:
            result.figures.append(Figure(f"{what}: {name}, p95", "ms", sample([one[what] for one in found])))
        slowest = sample([max(one.values()) for one in found])
        result.bars.append(Bar(f"slowest list or quest, {name}, p95 in ms", slowest, 100.0, "at most"))
    for store in stores.values():
        bench.servers.drop(store.database_url)


def _asked(store: Store, times: int, filters: Sequence[dict[str, str]]) -> dict[str, float]:
    """Return the p95 of each kind of page, in milliseconds: of lists that of the slowest filter."""
    with store.client() as client:
        quest_id = client.list(limit=1)[0].quest_id
    found: dict[str, float] = {}
    with gateway(store) as (_, address), closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
        for what, path in _addresses(quest_id, filters):
            took = [_get(connection, path) for _ in range(times)]
            found[what] = max(found.get(what, 0.0), percentile(took, 0.95))
    return found


def _addresses(quest_id: str, filters: Sequence[dict[str, str]]) -> Iterator[tuple[str, str]]:
    for sort in QuestSort:
        for words in filters:
            yield f"list, {sort}", f"/api/v1/quests?{urlencode({'sort': sort, **words})}"
            yield f"page of the list, {sort}", f"/quests?{urlencode({'sort': sort, 'since': 'any', **words})}"
    yield "quest", f"/api/v1/quests/{quest_id}"
    yield "page of a quest", f"/quests/{quest_id}"


def _get(connection: http.client.HTTPConnection, path: str) -> float:
    """Return how many milliseconds an answer took; it is no error."""
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - started) * 1e3
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path} answered {answer.status}: {body[:500]!r}")
    return took
