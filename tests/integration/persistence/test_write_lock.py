"""Writers of one SQLite file go one after the other, whatever else their processes do with its files."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from questline_persistence.dialects import Meaning, execute
from questline_persistence.dialects.sqlite import Sqlite, library
from questline_persistence.dialects.sqlite.write_lock import WriteLock
from questline_persistence.journal.trial import try_writing
from questline_persistence.store import Database

#: Writes once, in a process of its own, unless others write; exits with 3 if they do for as long as it has patience.
WRITES = """
import sys
from questline import StoreUnavailable
from questline_persistence.store import Database
database = Database(sys.argv[1], patience=0)
database.engine
database._access.write_lock._patience = float(sys.argv[2])
try:
    database.write(lambda c: c.exec_driver_sql("INSERT INTO counts VALUES ('n', 'another', 1)"))
except StoreUnavailable as error:
    sys.exit(3 if "locked" in error.message else error.message)
"""


def written_by_another(url: str, *, patience: float = 30) -> bool:
    """Have another process write, and return whether it did."""
    done = subprocess.run([sys.executable, "-c", WRITES, url, str(patience)], check=False)
    assert done.returncode in {0, 3}
    return done.returncode == 0


def write(connection: Connection) -> None:
    """Write something."""
    execute(connection, "INSERT OR REPLACE INTO counts VALUES ('n', 'mine', 1)")


@pytest.fixture
def path(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def locks(path: Path) -> tuple[WriteLock, WriteLock]:
    """The locks of two processes, as far as the kernel can tell."""
    module = library.driver()
    return WriteLock(path, module, patience=0.05), WriteLock(path, module, patience=0.05)


def ways(database: Database) -> dict[str, Callable[[Callable[[Connection], Any]], Any]]:
    """Return all ways in which a store is written."""
    return {
        "write": database.write,
        "statement": lambda work: database.statement(work, at="claim"),
        "rehearse": database.rehearse,
    }


@pytest.mark.parametrize("way", ["write", "statement", "rehearse"])
def test_nobody_writes_in_the_middle_of_a_transaction_whose_process_closes_the_shared_memory(
    sqlite_url: str, path: Path, way: str
) -> None:
    database = Database(sqlite_url)

    def work(connection: Connection) -> bool:
        write(connection)
        path.with_name(f"{path.name}-shm").read_bytes()  # what any copy of the folder does
        return written_by_another(sqlite_url, patience=0.1)

    got_in: list[bool] = []
    ways(database)[way](lambda connection: got_in.append(work(connection)))
    assert got_in == [False]
    assert written_by_another(sqlite_url)
    database.close()


def test_two_stores_of_one_process_that_are_the_same_file_wait_for_each_other(sqlite_url: str) -> None:
    first, second = Database(sqlite_url), Database(sqlite_url)
    began, go = threading.Event(), threading.Event()
    order: list[str] = []

    def slowly(connection: Connection) -> None:
        began.set()
        go.wait()
        write(connection)
        order.append("first")

    def then(connection: Connection) -> None:
        write(connection)
        order.append("second")

    threads = [
        threading.Thread(target=first.write, args=(slowly,)),
        threading.Thread(target=second.write, args=(then,)),
    ]
    threads[0].start()
    began.wait()
    threads[1].start()
    first.read(lambda connection: connection.exec_driver_sql("SELECT 1"))  # whoever only reads waits for nobody
    go.set()
    for thread in threads:
        thread.join()
    assert order == ["first", "second"]
    first.close()
    second.close()


def test_a_process_that_is_killed_while_it_writes_leaves_the_store_to_others_even_if_it_has_forked(
    sqlite_url: str,
) -> None:
    code = """
import os, signal, sys
from questline_persistence.store import Database

def die(connection):
    connection.exec_driver_sql("INSERT INTO counts VALUES ('n', 'never', 1)")
    if (child := os.fork()) == 0:
        print(os.getpid(), flush=True)
        signal.pause()
    os.kill(os.getpid(), signal.SIGSTOP)

Database(sys.argv[1]).write(die)
"""
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, sqlite_url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            process.kill()
            process.wait()
            assert written_by_another(sqlite_url, patience=1)
        finally:
            os.kill(child, signal.SIGKILL)


def test_who_waits_too_long_meets_the_error_of_a_locked_file(locks: tuple[WriteLock, WriteLock]) -> None:
    with locks[0], pytest.raises(OperationalError, match="database is locked") as met, locks[1]:
        pass
    assert Meaning.PASSES in Sqlite().meaning(met.value)
    with locks[1], pytest.raises(OperationalError, match="database is locked"), locks[1]:  # the same process's
        pass
    with locks[0]:
        pass


def test_whoever_is_interrupted_while_waiting_holds_nothing(
    locks: tuple[WriteLock, WriteLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with locks[0]:
        monkeypatch.setattr("time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt), locks[1]:
            pass
    with locks[1]:
        pass


def test_a_lock_that_was_taken_away_is_made_anew_for_all(path: Path, locks: tuple[WriteLock, WriteLock]) -> None:
    first, second = locks
    with first:
        pass
    path.with_name(f"{path.name}-lock").unlink()
    with second, pytest.raises(OperationalError), first:
        pass


def test_the_lock_is_there_only_while_processes_that_write_have_the_store_open(sqlite_url: str, path: Path) -> None:
    lock, databases = path.with_name(f"{path.name}-lock"), [Database(sqlite_url) for _ in range(2)]
    databases[0].read(lambda connection: connection.exec_driver_sql("SELECT 1"))
    assert not lock.exists()
    for database in databases:
        database.write(write)
    databases[0].close()
    assert lock.exists()
    databases[1].close()
    assert not lock.exists()
    databases[1].write(write)
    assert lock.exists()
    databases[1].close()


def test_others_may_lock_the_store_that_may_write_it(path: Path, locks: tuple[WriteLock, WriteLock]) -> None:
    path.chmod(0o660)
    before = os.umask(0o077)
    try:
        with locks[0]:
            pass
    finally:
        os.umask(before)
    assert path.with_name(f"{path.name}-lock").stat().st_mode & 0o777 == 0o660


def test_a_link_in_the_place_of_the_lock_is_not_followed(
    path: Path, tmp_path: Path, locks: tuple[WriteLock, WriteLock]
) -> None:
    path.with_name(f"{path.name}-lock").symlink_to(tmp_path / "elsewhere")
    with locks[0]:
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("broken", ["flock", "open"])
def test_where_there_is_no_such_lock_the_store_is_written_without(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks") if broken == "flock" else PermissionError

    monkeypatch.setattr(*((fcntl, "flock") if broken == "flock" else (os, "open")), refuse)
    database = Database(sqlite_url)
    for _ in range(2):
        database.write(write)
    database.close()


def test_a_file_system_without_rights_or_owners_costs_no_descriptor_a_write(
    sqlite_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(os, "fchmod", refuse)
    database = Database(sqlite_url)
    for _ in range(3):
        database.write(write)
    opened = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert opened.count(f"{path}-lock") == 1
    database.close()


def test_doctor_s_trial_leaves_nothing(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    try_writing(database, "n")
    assert database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM quest_executions").scalar_one()) == 0
    database.close()
