"""How many connections a process has to a store: as the settings say, or whoever opens it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.dialects import PoolLimits
from questline_persistence.errors import StoreUnavailable
from questline_persistence.settings import load
from questline_persistence.store import Database, open_database


@contextmanager
def opened(*given: Any, **options: Any) -> Iterator[Database]:
    database = open_database(*given, **options)
    try:
        yield database
    finally:
        database.close()


def ask(database: Database) -> int:
    return database.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())


def open_as_many_as_there_may_be(database: Database) -> int:
    """Return how many connections of the second kind could be open at once."""
    with ExitStack() as used:
        for number in range(20):
            try:
                ask(database)
            except StoreUnavailable:
                return number
            used.enter_context(database.engine.connect())
    raise AssertionError("there is no limit")


@pytest.fixture
def small(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A store whose processes may keep two connections of each kind, and open one more."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("SIZE", "2"), ("OVERFLOW", "1"), ("WAIT_SECONDS", "0.05")):
        monkeypatch.setenv(f"QUESTLINE_POOL_{name}", value)
    return database_url


def test_the_settings_say_how_many_connections_there_may_be(small: str) -> None:
    with opened(small, patience=0) as database:
        assert open_as_many_as_there_may_be(database) == 3
        assert database._step_connections._places._initial_value == 2  # type: ignore[attr-defined]


def test_whoever_opens_a_store_may_say_otherwise(small: str) -> None:
    with opened(small, pool=PoolLimits(size=3, overflow=2, timeout=0.05), patience=0) as database:
        assert open_as_many_as_there_may_be(database) == 5


def test_a_process_without_a_free_connection_says_which_setting_helps(small: str) -> None:
    with opened(small, patience=0) as database, ExitStack() as used:
        for _ in range(3):
            used.enter_context(database.engine.connect())
        with pytest.raises(StoreUnavailable, match="all connections of this process to the database") as said:
            ask(database)
        assert "QUESTLINE_POOL_SIZE" in str(said.value.hint)
        used.close()
        assert ask(database) == 1


def test_a_store_is_opened_with_the_pool_of_the_settings_at_hand(database_url: str) -> None:
    chosen = load(
        database_url=database_url,
        pool_size=1,
        pool_overflow=0,
        pool_wait_seconds=0.05,
    )
    with opened(chosen=chosen, patience=0) as database:
        assert open_as_many_as_there_may_be(database) == 1
