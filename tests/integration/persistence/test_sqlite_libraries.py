"""Two SQLite libraries in one process drop each other's locks on a file: no process of these loses a quest by that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from questline import LordStep, Quest, QuestClient
from questline_persistence.dialects.sqlite import file as sqlite_file
from questline_persistence.dialects.sqlite import library as sqlite_library
from questline_persistence.store import Database
from tests.integration.persistence.visitor import visitor
from tests.waiting import eventually

COUNTED = "SELECT count(*) FROM quest_executions"
ORDERS = (
    "sqlite3 first",
    "sqlite3 later",
    "sqlite3 first, then the wheel",
    "connected first",
    "pysqlite3 first",
    "sqlalchemy",
    "a copy",
)
COUNT = 15
LORDS = """
import sqlite3
from contextlib import closing
from questline import lord

@lord("a", "b")
def look(ctx):
    with closing(sqlite3.connect({path!r}, timeout=30)) as connection:
        return connection.execute("SELECT count(*) FROM quest_executions").fetchone()[0]
"""


@pytest.fixture
def worker(sqlite_url: str, tmp_path: Path) -> Iterator[None]:
    """A worker process whose handlers read the store by themselves."""
    (tmp_path / "looking_lords.py").write_text(LORDS.format(path=_path(sqlite_url)))
    settings = {"QUESTLINE_DATABASE_URL": sqlite_url, "QUESTLINE_BROKER_URL": "memory://"}
    command = [sys.executable, "-m", "questline", "worker", "looking_lords", "-t", "4"]
    process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | settings, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait()


@pytest.mark.usefixtures("worker")
def test_whoever_reads_the_store_with_whatever_library_loses_no_quest(sqlite_url: str) -> None:
    script = Path(__file__).with_name("library_orders.py")
    users = [
        subprocess.Popen([sys.executable, script, sqlite_url, order, str(n), str(COUNT)], stdout=subprocess.PIPE)
        for n, order in enumerate(ORDERS)
    ]
    with visitor(sqlite_url) as visit:
        while any(user.poll() is None for user in users):
            visit()
    told = [int(user.communicate()[0] or 0) for user in users]

    assert told == [COUNT] * len(ORDERS)
    eventually(lambda: _statuses(sqlite_url) == {"completed": sum(told)}, timeout=30)


@pytest.mark.parametrize(
    ("loaded", "library"),
    [
        ("", "one"),
        ("sqlite3", "sqlite3"),
        ("pysqlite3", "pysqlite3"),
        ("sqlite3, pysqlite3", "sqlite3"),
        ("pysqlite3, sqlite3", "sqlite3"),
    ],
)
def test_a_process_uses_the_library_that_it_has_loaded_and_sqlite3_means_that_one(loaded: str, library: str) -> None:
    script = f"""
import sys
{"import " + loaded if loaded else ""}
from questline_persistence.dialects.sqlite.library import driver
ours = driver()
import _sqlite3, sqlite3
from sqlite3 import dbapi2
assert sqlite3.connect is dbapi2.connect is _sqlite3.connect is ours.connect
print(ours.Connection.__module__.partition(".")[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert library in {done.stdout.strip(), "one"}


SWAP = 'sys.modules["sqlite3"] = sys.modules.pop("pysqlite3")'


@pytest.mark.parametrize(
    "before", ["import pysqlite3", "import sqlite3, pysqlite3", "import sqlite3.dbapi2, pysqlite3"]
)
def test_a_program_that_puts_the_wheel_in_the_place_of_sqlite3_makes_all_use_it(sqlite_url: str, before: str) -> None:
    script = f"""
import sys
{before}
{SWAP}
from questline import QuestClient
from questline_persistence.dialects.sqlite.library import driver
with QuestClient(sys.argv[1], "memory://") as client:
    import sqlite3
    assert sqlite3.connect is driver().connect
    assert sqlite3.connect(sys.argv[1].removeprefix("sqlite:///")).execute({COUNTED!r}).fetchone() == (0,)
    client.stats()
"""
    subprocess.run([sys.executable, "-c", script, sqlite_url], check=True)


@pytest.mark.parametrize("when", ["decided", "opened"])
def test_the_wheel_that_takes_the_place_of_sqlite3_later_is_refused_by_whatever_name(
    sqlite_url: str, when: str
) -> None:
    script = f"""
import sqlite3.dbapi2, pysqlite3, sys
from pysqlite3 import connect
from questline import ConfigurationError, QuestClient
from questline_persistence.dialects.sqlite.library import driver
driver()
{SWAP if when == "decided" else ""}
client = QuestClient(sys.argv[1], "memory://")
{SWAP if when == "opened" else ""}
import sqlite3 as swapped
import pysqlite3 as anew
path = sys.argv[1].removeprefix("sqlite:///")
for way in (swapped.connect, swapped.dbapi2.connect, anew.connect, connect):
    try:
        way(path)
    except ConfigurationError as error:
        assert "sqlite3.dbapi2" in error.message
    else:
        sys.exit(f"{{way}} was let in")
client.stats()
"""
    subprocess.run([sys.executable, "-c", script, sqlite_url], check=True)


def test_a_store_that_is_collected_at_any_moment_holds_nothing_up(sqlite_url: str, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from questline_persistence.dialects.sqlite import guard
from questline_persistence.store import Database

class Owner:
    pass

owners = [Owner() for _ in range(1_000)]
for owner in owners:
    guard.watch(Path(sys.argv[2]), owner)
del owner

def collect_one(frame, *_):
    if frame.f_globals.get("__name__", "").startswith("questline_persistence.dialects.sqlite"):
        owners.pop()
    return collect_one

sys.settrace(collect_one)
database = Database(sys.argv[1])
database.read(lambda connection: connection)
database.close()
sys.settrace(None)
assert len(owners) < 1_000
assert len(guard._stores) == len(owners)
"""
    command = [sys.executable, "-c", script, sqlite_url, str(tmp_path / "another.db")]
    subprocess.run(command, check=True, timeout=60)


def test_connections_of_a_library_with_the_race_leave_the_log_and_the_store_keeps_it_short(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_library, "has_safe_log", lambda _: False)
    log = Path(f"{_path(sqlite_url)}-wal")
    database = Database(sqlite_url)
    _write(database, times=sqlite_file.COMMITS_PER_CHECKPOINT)
    length = log.stat().st_size
    with database.engine.connect() as reader:
        assert reader.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert reader.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one() == 0
    _write(database, times=3 * sqlite_file.COMMITS_PER_CHECKPOINT)
    assert log.stat().st_size == length
    database.close()
    assert not log.exists()


def test_a_user_s_own_connection_of_a_library_with_the_race_leaves_the_store_s_log(sqlite_url: str) -> None:
    script = """
import sqlite3, sys
from questline import QuestClient
from questline_persistence.dialects.sqlite import library
library.has_safe_log = lambda _: False
client = QuestClient(sys.argv[1], "memory://")
path = sys.argv[1].removeprefix("sqlite:///")
for name in (path, f"file:{path}", path + ".other"):
    connection = sqlite3.connect(name, uri=True)
    print(connection.execute("PRAGMA wal_autocheckpoint").fetchone()[0])
"""
    done = subprocess.run([sys.executable, "-c", script, sqlite_url], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0", "1000"]


def test_a_checkpoint_of_a_library_with_the_race_waits_for_the_write_lock(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_library, "has_safe_log", lambda _: False)
    monkeypatch.setattr(sqlite_file, "PATIENCE_MS", 1)
    database, path = Database(sqlite_url), Path(_path(sqlite_url))
    _write(database, times=1)
    file = sqlite_file.SqliteFile(str(path), sqlite_library.driver())
    with closing(sqlite_library.driver().connect(path, isolation_level=None)) as writer:
        before = path.stat().st_mtime_ns
        writer.execute("BEGIN IMMEDIATE")
        _commit_until_a_checkpoint(file)
        assert path.stat().st_mtime_ns == before
        writer.execute("ROLLBACK")
        _commit_until_a_checkpoint(file)
        assert path.stat().st_mtime_ns > before
    database.close()


def _commit_until_a_checkpoint(file: sqlite_file.SqliteFile) -> None:
    for _ in range(sqlite_file.COMMITS_PER_CHECKPOINT):
        file.committed()


def test_a_process_that_copies_the_files_is_still_known_to_have_them_open(sqlite_url: str, tmp_path: Path) -> None:
    with QuestClient(sqlite_url, "memory://") as client:
        client.submit(Quest(quest_type="t", execution_stack=[LordStep("a", "b")]))
        for file in tmp_path.glob("questline.db*"):
            shutil.copyfile(file, tmp_path / f"copy of {file.name}")
        with visitor(sqlite_url) as visit:
            visit()
        assert Path(f"{_path(sqlite_url)}-wal").stat().st_size > 0
        client.submit(Quest(quest_type="t", execution_stack=[LordStep("a", "b")]))
        assert _statuses(sqlite_url) == {"new": 2}
    assert not Path(f"{_path(sqlite_url)}-wal").exists()


def _write(database: Database, *, times: int) -> None:
    for number in range(times):
        values = ("number", "test", number)
        database.write(lambda c, v=values: c.exec_driver_sql("INSERT OR REPLACE INTO counts VALUES (?, ?, ?)", v))


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _statuses(url: str) -> dict[str, int]:
    with closing(sqlite_library.driver().connect(_path(url))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return dict(connection.execute("SELECT status, count(*) FROM quest_executions GROUP BY status").fetchall())
