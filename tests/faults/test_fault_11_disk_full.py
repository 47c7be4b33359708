"""Fault 11: the store's disk is full.

SQLite says so itself, since its file may not grow. PostgreSQL's disk is left alone: a trigger raises what the server
raises then, SQLSTATE 53100, in the midst of the transaction. A trigger cannot fill the write-ahead log's disk, which
stops the whole server; that is fault 4.
"""

import logging
import threading
from typing import Any

import psycopg
import pytest

from questline_persistence.dialects.sqlite import library as sqlite_library
from questline_persistence.errors import QuestNotFound, StoreUnavailable
from questline_persistence.store import alarm
from questline_worker.lords import LordContext, lord
from tests.contract.quests import Workbench
from tests.integration.worker.pools import LONG, Pool, completed, errors, quest, successes
from tests.waiting import eventually

#: Larger than what is left in the pages that an SQLite file has.
LARGE = "x" * 200_000

_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/5/1259": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_runs BEFORE INSERT ON lord_runs FOR EACH ROW EXECUTE FUNCTION full_disk();
CREATE TRIGGER full_quests BEFORE INSERT ON quest_executions FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
_ROOM = "DROP FUNCTION full_disk CASCADE"


class SqliteDisk:
    """A disk that one file of SQLite has for itself.

    Parameters:
      harm: what connections are told while it is full; SQLite makes the same of a disk that is.
    """

    def __init__(self, pool: Pool, monkeypatch: pytest.MonkeyPatch, harm: str = "max_page_count = 1") -> None:
        self._pool, self._harm = pool, harm  # there cannot be fewer pages than there are
        self._full, self._prepare = False, sqlite_library.prepare
        monkeypatch.setattr(sqlite_library, "prepare", self._prepared)

    def fill(self, *, full: bool) -> None:
        """Leave no room for another page, or give room again, to every connection."""
        self._full = full
        for process in (*(member.process for member in self._pool.members), *self._pool.clients):
            process.database.engine.dispose()

    def _prepared(self, connection: Any, module: Any) -> None:
        self._prepare(connection, module)
        if self._full:
            connection.execute(f"PRAGMA {self._harm}").close()


class PostgresDisk:
    """The disk of a PostgreSQL, as far as a quest needs room on it."""

    def __init__(self, pool: Pool) -> None:
        self._url = pool.database_url

    def fill(self, *, full: bool) -> None:
        """Have the server say that there is no room, or no more."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_FULL if full else _ROOM)


@pytest.fixture
def disk(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> SqliteDisk | PostgresDisk:
    return SqliteDisk(pool, monkeypatch) if pool.database_url.startswith("sqlite") else PostgresDisk(pool)


def test_fault_11_a_full_disk_is_told_and_work_goes_on_when_there_is_room(
    pool: Pool,
    disk: SqliteDisk | PostgresDisk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate, begun = pool.gate(), threading.Event()
    ran: list[str] = []

    @lord("large", "work")
    def large(context: LordContext) -> str:
        ran.append(context.position)
        begun.set()
        gate.wait()
        return LARGE

    @lord("after", "work")
    def after(context: LordContext) -> str:
        ran.append(context.position)
        return "done"

    monkeypatch.setattr(alarm, "FIRST_SECONDS", 0.3)
    pool.start()
    client = pool.client()
    client.database.patience = 0.3
    handle = client.submit(quest("large", "after"))
    assert begun.wait(LONG)
    disk.fill(full=True)
    with pytest.raises(StoreUnavailable, match=r"is full|No space left"):
        client.submit(quest("after", quest_id="refused", input_data={"large": LARGE}))
    with caplog.at_level(logging.WARNING):
        gate.set()
        eventually(lambda: "store_unavailable" in caplog.text, timeout=LONG, message="nobody was told")
    told = next(record.getMessage() for record in caplog.records if "store_unavailable" in record.getMessage())
    assert "is full" in told or "No space left" in told
    _assert_nothing_was_written(pool, handle.quest_id)
    disk.fill(full=False)
    assert completed(handle).output_data == "done"
    assert ran == ["0001", "0002"], "a step whose result only waited for room ran again"
    assert successes(client, handle.quest_id) == [(0, "0001"), (0, "0002")]
    assert errors(client, handle.quest_id) == []
    with pytest.raises(QuestNotFound):
        client.get("refused")


def _assert_nothing_was_written(pool: Pool, quest_id: str) -> None:
    """Check that the transactions that found no room are rolled back as a whole."""
    bench = Workbench(pool.database_url)
    try:
        rows = bench.everything(quest_id)
        assert (rows["lord_runs"], len(rows["quest_snapshots"])) == ([], 1)
        assert rows["tickets"][0].state == "running"
        assert bench.quest_ids() == [quest_id]
        if bench.database.dialect.name == "sqlite":
            check = bench.database.read(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").all())
            assert [tuple(row) for row in check] == [("ok",)]
    finally:
        bench.close()
