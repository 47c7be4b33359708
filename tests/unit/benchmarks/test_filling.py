"""A store that is filled for a benchmark is as whole as one that programs have filled."""

import asyncio
import shutil
from pathlib import Path

from rich.progress import Progress

from benchmarks.harness.filling import fill
from benchmarks.harness.memory_things import write_patterns
from benchmarks.harness.store import Store
from benchmarks.harness.verification import verify_remembered
from questline.memory import ContextPersistence, StateStore


def test_copies_are_found_by_their_numbers_and_break_no_invariant(sqlite_template: Path, tmp_path: Path) -> None:
    path = shutil.copyfile(sqlite_template, tmp_path / "questline.db")
    store = Store(f"sqlite:///{path}", "memory://", tmp_path)
    asyncio.run(write_patterns(store.database_url))

    fill(store, 200, Progress(disable=True))

    verify_remembered(store)
    asyncio.run(_find(store.database_url))


async def _find(url: str) -> None:
    with ContextPersistence(url) as contexts:
        assert contexts.load_context("workflow-107").feature == "feature107"
        assert [one.workflow_id for one in contexts.get_contexts_by_epic(1)][:2] == ["workflow-199", "workflow-198"]
    async with StateStore(url) as states:
        assert len(await states.search_events("repository", limit=1000)) == 201
        [event] = await states.search_events("file107")
        assert (event.session_id, event.seq) == ("session-1", 8)
        assert "file107 of" in event.content
