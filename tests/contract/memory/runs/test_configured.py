"""The storage of runs that the settings name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.memory.runs import RunHistory, configured, get_storage
from tests.contract.memory.sessions.managers import wait


@pytest.fixture(autouse=True)
def _begin_anew(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[None]:
    monkeypatch.setenv("QUESTLINE_DATABASE_URL", database_url)
    monkeypatch.setenv("QUESTLINE_NAMESPACE", "acme")
    configured._storage.cache_clear()
    yield
    wait(configured._storage().close())
    configured._storage.cache_clear()


def test_the_storage_is_that_of_the_settings(database_url: str) -> None:
    run_id = wait(get_storage().save_run({"plan_id": "p1", "objective": "o"}, {"success": True}))

    with RunHistory(database_url) as same, RunHistory(database_url, namespace="default") as another:
        assert [run.run_id for run in wait(same.list_runs())] == [run_id]
        assert wait(another.list_runs()) == []


def test_there_is_one_storage_in_a_process() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {id(storage) for storage in pool.map(lambda _: get_storage(), range(64))}

    assert found == {id(get_storage())}
