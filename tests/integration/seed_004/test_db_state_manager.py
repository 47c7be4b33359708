"""The state manager of a database as the description of it tests it, on each URL that programs have for it."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from questline.memory import DbStateManager, DbTodoListManager, ExecutionHistory, Memories, NotFound
from questline_persistence.dialects import PoolLimits
from questline_persistence.errors import PayloadError
from tests.conftest import STORES
from tests.contract.memory.sessions.managers import wait, wait_for_all

MEMORY = "sqlite+aiosqlite:///:memory:"
#: How programs name drivers that questline has no use for: it takes its own.
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg"}


@pytest.fixture(params=["memory", *STORES])
def db_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database, as for SQLAlchemy's asynchronous engines."""
    if request.param == "memory":
        return MEMORY
    _, _, place = str(request.getfixturevalue(f"{request.param}_url")).partition("://")
    return f"{DRIVERS[request.param]}://{place}"


@pytest.fixture
def db_manager(db_url: str) -> Iterator[DbStateManager]:
    """A manager of a fresh database."""
    manager = DbStateManager(db_url=db_url)
    yield manager
    wait(manager.close())


def test_save_and_load_state(db_manager: DbStateManager) -> None:
    async def story() -> None:
        state_data = {"mission": "Test mission", "status": "in_progress", "version": 1}

        await db_manager.save_state("test-session", state_data)
        loaded = await db_manager.load_state("test-session")

        assert loaded is not None
        assert loaded["mission"] == state_data["mission"]
        assert loaded["status"] == state_data["status"]

    asyncio.run(story())


def test_list_sessions(db_manager: DbStateManager) -> None:
    async def story() -> None:
        await db_manager.save_state("session-1", {"mission": "Test 1"})
        await db_manager.save_state("session-2", {"mission": "Test 2"})

        sessions = await db_manager.list_sessions()

        assert "session-1" in sessions
        assert "session-2" in sessions

    asyncio.run(story())


def test_a_session_is_made_changed_and_deleted(db_manager: DbStateManager) -> None:
    async def story() -> None:
        assert await db_manager.load_state("s1") is None
        await db_manager.save_state("s1", {"mission": "a"})
        await db_manager.save_state("s1", {"mission": "b"})
        assert await db_manager.load_state("s1") == {"mission": "b"}
        await db_manager.delete_state("s1")
        assert (await db_manager.load_state("s1"), await db_manager.list_sessions()) == (None, [])
        with pytest.raises(NotFound, match="session s1"):
            await db_manager.delete_state("s1")

    asyncio.run(story())


def test_what_was_loaded_stays_readable_when_the_manager_is_closed(db_url: str) -> None:
    async def story() -> None:
        async with DbStateManager(db_url) as states:
            await states.save_state("s1", {"mission": "a"})
            found = await states.load_with_version("s1")
        assert found is not None
        assert (found.state_data, found.version) == ({"mission": "a"}, 1)

    asyncio.run(story())


def test_managers_that_share_a_store_see_the_same_sessions(db_manager: DbStateManager) -> None:
    todos, history, memories = DbTodoListManager(db_manager), ExecutionHistory(db_manager), Memories(db_manager)

    async def story() -> None:
        await db_manager.save_state("s1", {})
        await todos.save_todolist("t1", "s1", ["write"])
        await history.append("s1", 1, "think", "act", "see")
        made = await memories.remember("writing", "write it twice", "pen", 7)
        assert [one.plan for one in await todos.list_todolists("s1")] == [["write"]]
        assert [one.thought for one in await history.list("s1")] == ["think"]
        assert [*await memories.recall("twice", tool_name="pen", min_confidence=7)] == [made]
        await db_manager.delete_state("s1")
        assert (await todos.list_todolists("s1"), await history.list("s1")) == ([], [])
        assert [*await memories.recall()] == [made]
        await memories.forget(made.memory_id)
        assert await memories.recall() == []
        for one in (todos, history, memories):
            await one.close()
        await db_manager.save_state("s1", {"still": "open"})

    asyncio.run(story())


def test_a_manager_has_as_many_connections_as_it_is_told(db_url: str) -> None:
    few = DbStateManager(db_url, pool_size=1, max_overflow=0)
    made = wait_for_all(lambda: (few.save_state("s1", {"n": number}) for number in range(20)))
    wait(few.close())

    assert sorted(made) == [*range(1, 21)]
    with pytest.raises(PayloadError, match="pool"):
        DbStateManager(db_url, pool_size=0)


def test_a_manager_keeps_20_connections_and_opens_10_more_and_a_process_has_5_to_20() -> None:
    kept = DbStateManager(MEMORY)._held.database._pool

    assert (kept.size, kept.overflow) == (20, 10)
    assert (PoolLimits().size, PoolLimits().size + PoolLimits().overflow) == (5, 20)


def test_the_url_is_that_of_the_environment_or_of_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUESTLINE_DATABASE_URL", "sqlite:///environment.db")
    wait(DbStateManager().save_state("s1", {"of": "environment"}))
    monkeypatch.delenv("QUESTLINE_DATABASE_URL")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "prod.yaml").write_text("database_url: sqlite:///profile.db\n")
    monkeypatch.setenv("QUESTLINE_PROFILE", "prod")
    wait(DbStateManager().save_state("s1", {"of": "profile"}))

    for name in ("environment", "profile"):
        assert wait(DbStateManager(f"{name}.db").load_state("s1")) == {"of": name}


def test_statements_are_logged_on_demand_without_their_values(db_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for echo in (False, True):
        manager = DbStateManager(db_url, echo=echo)
        wait(manager.save_state("s1", {"password": "hunter2"}))
        wait(manager.close())
        assert ("INSERT INTO states" in caplog.text) == echo
    assert "hunter2" not in caplog.text
