"""Worker processes that may open few connections: their steps wait for each other, and none for ever."""

import pytest

from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import Pool, completed, quest


@pytest.mark.parametrize("pooler", ["auto", "transaction"])
def test_a_worker_with_one_connection_of_each_kind_runs_its_quests(pool: Pool, pooler: str) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> int:
        context.progress(0.5)
        return len(context.outputs.all("a"))

    pool.start(
        threads=8,
        pool_size=1,
        pool_overflow=0,
        pool_wait_seconds=1,
        database_pooler=pooler,
    )
    client = pool.client()

    handles = client.submit_many([quest(*["a"] * 3) for _ in range(12)])

    assert [completed(handle).output_data for handle in handles] == [2] * 12


def test_a_worker_has_as_many_connections_as_its_threads_need_if_nothing_is_said(sqlite_pool: Pool) -> None:
    assert sqlite_pool.start(threads=4).process.database._step_connections._places._initial_value == 12  # type: ignore[attr-defined]
    assert sqlite_pool.start(threads=40).process.database._step_connections._places._initial_value == 20  # type: ignore[attr-defined]
