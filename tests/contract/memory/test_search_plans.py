"""A search reads as much as it ranks, and what the best of that say: not what other kinds have, however many rows."""

import asyncio
from pathlib import Path

import pytest
from rich.progress import Progress

from benchmarks.harness.filling import fill
from benchmarks.harness.memory_things import write_patterns
from benchmarks.harness.store import Store
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, EVENTS, Entries, Versioned
from questline_persistence.memory import searching
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.store import Database
from tests.integration.persistence.looks import Look, Observer

#: Rows of each kind; agents were there first, then contexts, then events.
ROWS = 3_000


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> Database:
    asyncio.run(write_patterns(database_url))
    fill(Store(database_url, "memory://", tmp_path), ROWS, Progress(disable=True))
    return Database(database_url)


def looked(
    observer: Observer, database: Database, kind: Versioned | Entries, typed: str, *, limit: int = 10
) -> list[Look]:
    with observer.looking() as looks:
        search(Kept(database, "default"), kind, typed, limit=limit)
    table = kind.heads if isinstance(kind, Versioned) else kind.table
    return [look for look in looks if f"FROM {table}" in look.statement or "memory_texts" in look.statement]


@pytest.mark.parametrize("plans", ["for these values", "for any values"])  # what the session would have by itself
def test_a_search_reads_no_more_than_it_ranks(filled: Database, monkeypatch: pytest.MonkeyPatch, plans: str) -> None:
    observer = Observer(filled, plans=plans)
    monkeypatch.setattr(searching, "MAX_RANKED", 100)
    most = 2 * (searching.MAX_RANKED + 1)  # each text, and the row that it is of
    for kind in (AGENT_STATES, CONTEXTS, EVENTS):
        for typed in ("repository", '"the repository"', "file107"):
            found, best = looked(observer, filled, kind, typed)
            assert "every row" not in str([*found.ways, *best.ways])
            assert not {column for column in kind.body if f".{column}" in found.statement}
            assert found.rows <= most, (kind.name, typed, str(found))  # SQLite does not tell
    filled.close()


def test_a_page_of_what_was_found_is_read_by_its_ids(filled: Database) -> None:
    observer = Observer(filled)
    for kind in (AGENT_STATES, CONTEXTS, EVENTS):
        _, best = looked(observer, filled, kind, "repository", limit=100)
        table = kind.heads if isinstance(kind, Versioned) else kind.table
        of_the_tenant = {way for way in best.ways if way.startswith(("ix_", "idx_"))}
        assert not of_the_tenant, f"all rows of the tenant are read: {best}"
        assert best.ways & {f"pk_{table}", f"every row of {table}"}  # PostgreSQL reads a table of few pages as a whole
    filled.close()
