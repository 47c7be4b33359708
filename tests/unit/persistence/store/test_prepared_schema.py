import os
from collections.abc import Iterator
from contextlib import closing
from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from questline_persistence import schema
from questline_persistence.records import QuestRepository
from questline_persistence.schema import revisions
from questline_persistence.schema.prepared import PreparedSchema
from questline_persistence.store import Database
from tests.contract.quests import quest


@pytest.fixture
def store() -> Iterator[Database]:
    with closing(Database(":memory:")) as store:
        yield store


def described(store: Database) -> list[tuple[str, str]]:
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return store.read(lambda connection: [(row.name, row.sql) for row in connection.execute(query)])


def test_a_store_in_memory_has_the_schema_that_migrations_make(store: Database) -> None:
    schema.ensure(store)

    with closing(Database(":memory:")) as migrated:
        revisions.migrate(migrated)
        assert described(store) == described(migrated)
    assert (revisions.current(store), revisions.drift(store)) == (schema.HEAD, [])


def test_two_stores_in_memory_share_nothing() -> None:
    with QuestRepository(":memory:") as one, QuestRepository(":memory:") as other:
        one.save_quest(quest("a", quest_id="q"))

        assert [found.quest_id for found in one.list_quests()] == ["q"]
        assert other.list_quests() == []


def test_the_migrations_run_once_though_several_threads_make_stores() -> None:
    migrated: list[Database] = []
    prepared = PreparedSchema(lambda store: migrated.append(store) or revisions.migrate(store))
    barrier, stores = Barrier(4), [Database(":memory:") for _ in range(4)]

    def make(store: Database) -> None:
        barrier.wait(30)
        prepared.copy_to(store)

    threads = [Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(migrated) == 1
    assert {revisions.current(store) for store in stores} == {schema.HEAD}
    for store in stores:
        store.close()


def test_a_forked_process_migrates_a_store_of_its_own(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated: list[Database] = []
    prepared = PreparedSchema(lambda made: migrated.append(made) or revisions.migrate(made))
    prepared.copy_to(store)
    monkeypatch.setattr(os, "getpid", lambda: -1)

    with closing(Database(":memory:")) as in_child:
        prepared.copy_to(in_child)

    assert len(migrated) == 2
