import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from questline_persistence.store import committer
from tests.contract.quests import Workbench, checkpoint
from tests.waiting import eventually


def test_large_results_that_nobody_waits_for_are_bounded_by_their_size(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "MAX_SIZE", 10)
    large, small = (bench.claim(bench.submit("a")) for _ in range(2))
    statement, store_is_back = bench.database.statement, threading.Event()

    def wait(work: Any, **options: Any) -> Any:
        assert store_is_back.wait(30)
        return statement(work, **options)

    monkeypatch.setattr(bench.database, "statement", wait)
    bench.journal.post(checkpoint(large, "x" * 20))
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(bench.journal.post, checkpoint(small, "y"))
        eventually(lambda: bench.journal._checkpointing._changed._waiters)  # type: ignore[attr-defined]
        store_is_back.set()
        posting.result(30)
    bench.journal.drain()
    assert [bench.status(claim.quest_id) for claim in (large, small)] == ["completed", "completed"]
