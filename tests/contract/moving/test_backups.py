"""A backup is the store as it was at one moment, and comes back as that."""

import os
from pathlib import Path

import pytest

from questline_persistence.errors import ConfigurationError, PayloadError, QuestConflict
from questline_persistence.moving import Backup, back_up, restore
from questline_persistence.store import Database
from tests.contract.moving.test_copying import everything, fill, finish
from tests.contract.quests import ACTOR, LEASE, Workbench
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.servers.postgres import binaries


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server's own programs be found."""
    monkeypatch.setenv("PATH", f"{binaries()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.backup"


def kept(bench: Workbench, file: Path) -> Backup:
    return back_up(bench.database, file, actor=ACTOR, namespace=bench.namespace)


def brought_back(database: Database, file: Path, *, replace: bool = False) -> Backup:
    return restore(database, file, actor=ACTOR, namespace="default", replace=replace)


def test_a_store_comes_back_as_it_was_and_goes_on(bench: Workbench, database_url: str, file: Path) -> None:
    fill(bench)
    before = everything(bench.database)
    made = kept(bench, file)
    assert (made.bytes, file.stat().st_mode & 0o777) == (file.stat().st_size, 0o600)
    finish(bench)
    bench.submit("a", quest_id="later")
    bench.clock.advance(2 * LEASE)

    with pytest.raises(QuestConflict, match="there is a store at"):
        brought_back(bench.database, file)
    assert brought_back(bench.database, file, replace=True).revision == made.revision

    assert everything(bench.database) == before
    assert next(entry.verb for entry in bench.audit()) == "restore"
    results = finish(bench)
    assert {result[0] for result in results.values()} == {"completed", "cancelled"}
    assert_invariants(database_url, REMEMBERED)


def test_nothing_is_brought_back_while_a_worker_is_alive(bench: Workbench, file: Path) -> None:
    kept(bench, file)
    bench.worker()

    with pytest.raises(QuestConflict, match="a worker process runs on"):
        brought_back(bench.database, file, replace=True)


def test_what_is_no_backup_is_refused_and_the_store_stays(bench: Workbench, file: Path) -> None:
    bench.submit("a", quest_id="alpha")
    kept(bench, file)
    whole = file.read_bytes()

    for content in (b"", b"{}", whole[: len(whole) // 3], b"PGDMP" + b"x" * 100, b"SQLite format 3\x00" + b"x" * 5000):
        file.write_bytes(content)
        with pytest.raises(PayloadError, match="backup"):
            brought_back(bench.database, file, replace=True)
    with pytest.raises(PayloadError, match="is no file"):
        brought_back(bench.database, file.parent, replace=True)

    assert bench.quest_ids() == ["alpha"]


def test_without_the_programs_of_postgresql_there_is_a_clear_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    database = Database("postgresql://ada@127.0.0.1:1/quests")

    with pytest.raises(ConfigurationError, match="pg_dump is not installed here"):
        database.access.back_up(lambda: database.engine, tmp_path / "a.backup", ["quest_executions"])


def test_a_password_is_not_among_the_words_of_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists the running programs sees their words, and not their environment."""
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" "[$PGPASSWORD]" > {tmp_path}/said\nexit 1\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    database = Database("postgresql://ada:s3cret@127.0.0.1:1/quests?sslmode=disable")

    with pytest.raises(Exception, match="pg_dump has failed"):
        database.access.back_up(lambda: database.engine, tmp_path / "empty", ["quest_executions"])

    said = (tmp_path / "said").read_text()
    assert said.endswith("[s3cret]\n")
    assert said.count("s3cret") == 1
    assert "user=ada" in said
