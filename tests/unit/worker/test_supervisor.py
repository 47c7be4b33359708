import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from questline_persistence.settings import Settings, load
from questline_worker import supervisor
from questline_worker.child_process import ChildProcess
from questline_worker.code_watch import CodeWatch
from questline_worker.orders import EXIT_MISCONFIGURED, Orders
from questline_worker.reports import Reports
from questline_worker.supervisor import Supervisor, _Successor
from tests.contract.quests import Workbench
from tests.waiting import eventually


@pytest.fixture
def pool(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A supervisor that starts nothing, and the short lives of what it would have started."""
    pool = Supervisor(load(database_url=sqlite_url, broker_url="memory://"), [])
    started: list[int] = []
    monkeypatch.setattr(pool, "_start", lambda short_lives=0: started.append(short_lives))
    yield SimpleNamespace(supervisor=pool, started=started)
    pool._broker.close()
    pool._database.close()


def _dead(code: int = 1, *, lived: float = 0.0, short_lives: int = 0) -> ChildProcess:
    process: Any = SimpleNamespace(returncode=code, pid=0, poll=lambda: code, terminate=lambda: None)
    pipe, started_at = os.open(os.devnull, os.O_WRONLY), time.monotonic() - lived
    return ChildProcess(process, pipe, _silent(), "process", short_lives, started_at)


def _silent() -> Reports:
    return Reports(os.open(os.devnull, os.O_RDONLY))


def _buried(pool: Any, child: ChildProcess) -> None:
    pool.supervisor._children.append(child)
    pool.supervisor._replace_dead()


def test_a_child_that_dies_is_replaced_at_once(pool: Any) -> None:
    _buried(pool, _dead(-9, lived=60))
    assert pool.started == [0]
    assert pool.supervisor._children == []


def test_a_child_that_does_not_come_up_is_replaced_ever_more_slowly(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: 1000.0)
    for short_lives in range(1, 8):
        _buried(pool, _dead(short_lives=short_lives))
        (successor,) = pool.supervisor._successors
        waits.append(successor.due - 1000.0)
        assert successor.short_lives == short_lives + 1
        pool.supervisor._successors.clear()
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


def test_a_child_may_fail_to_come_up_for_days(pool: Any) -> None:
    _buried(pool, _dead(short_lives=100_000))
    (successor,) = pool.supervisor._successors
    assert successor.due - time.monotonic() <= supervisor.LONGEST_WAIT


def test_a_slow_import_that_fails_counts_as_a_short_life(pool: Any) -> None:
    _buried(pool, _dead(EXIT_MISCONFIGURED, lived=60, short_lives=3))
    assert pool.started == []
    assert len(pool.supervisor._successors) == 1


@pytest.mark.parametrize("code", [-9, EXIT_MISCONFIGURED], ids=["killed", "as_if_misconfigured"])
def test_a_child_that_came_up_before_a_step_killed_it_is_replaced_soon(
    pool: Any, bench: Workbench, tmp_path: Path, code: int
) -> None:
    pool.supervisor._watch = CodeWatch(tmp_path, print)
    bench.worker(process_id="process")
    _buried(pool, _dead(code, short_lives=9))
    (successor,) = pool.supervisor._successors
    eventually(lambda: successor.short_lives == 1)
    assert successor.due <= time.monotonic() + supervisor.LONGEST_WAIT_AFTER_UP


def test_a_successor_is_started_when_it_is_due_and_not_before(pool: Any) -> None:
    now = time.monotonic()
    pool.supervisor._successors = [_Successor(now + 60, 5), _Successor(now - 1, 3)]
    pool.supervisor._replace_dead()
    assert pool.started == [3]
    assert [successor.short_lives for successor in pool.supervisor._successors] == [5]


def test_a_child_that_died_while_the_pool_stopped_holds_nothing_any_more(pool: Any, bench: Workbench) -> None:
    journal = bench.worker(process_id="process")
    quest_id = bench.submit("a")
    bench.claim(quest_id, journal)
    pool.supervisor._children.append(_dead(-11, lived=60))
    assert pool.supervisor._shut_down() == 0
    assert bench.ticket(quest_id).state == "ready"


def test_a_store_that_is_away_does_not_keep_a_dead_child_from_being_replaced(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from questline_persistence.errors import StoreUnavailable  # noqa: PLC0415  beside its only use

    def away(_: str) -> list[str]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(pool.supervisor._register, "declare_dead", away)
    _buried(pool, _dead(-9, lived=60))
    assert pool.started == [0]


def test_a_machine_without_room_for_another_process_keeps_those_that_run(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise BlockingIOError("no process left")

    pool = Supervisor(load(database_url=sqlite_url, broker_url="memory://"), [])
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", full)
        pool._start(2)
    (successor,) = pool._successors
    assert successor.due > time.monotonic()
    assert successor.short_lives == 2
    pool._broker.close()
    pool._database.close()


def test_a_process_starts_with_the_values_of_a_profile_that_is_gone(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[bytes] = []
    child = SimpleNamespace(tell=told.append, process=SimpleNamespace(pid=1), process_id="p")
    monkeypatch.setattr(ChildProcess, "start", lambda *_: child)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUESTLINE_PROFILE", "prod")
    profile = tmp_path / "profiles" / "prod.yaml"
    profile.parent.mkdir()
    profile.write_text("sweep_seconds: 7\n")
    pool = Supervisor(load(database_url=sqlite_url, broker_url="memory://"), [])
    profile.unlink()

    pool._start()

    (line,) = told
    assert Settings(**json.loads(line)["settings"]).sweep_seconds == 7
    pool._broker.close()
    pool._database.close()


def test_orders_are_one_line_that_tells_everything() -> None:
    settings = load(lords=("one", "two"), worker_threads=3)
    orders = Orders(settings.model_dump(mode="json"), ["my_lords"], loops=True, process_id="p")
    line = orders.line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    read = Orders(**json.loads(line))
    assert read == orders
    assert Settings(**read.settings) == settings


def test_a_child_started_by_hand_tells_how_it_is_started() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "questline_worker.child"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "questline worker" in done.stderr


@pytest.mark.parametrize("code", [0, EXIT_MISCONFIGURED, -9])
def test_a_child_that_was_to_retire_is_followed_by_one_with_the_new_code_at_once_however_it_ended(
    pool: Any, tmp_path: Path, code: int
) -> None:
    pool.supervisor._watch = CodeWatch(tmp_path, print)
    child = _dead(code, short_lives=3)
    child.retiring = True
    _buried(pool, child)
    assert pool.started == [0]


def test_new_code_has_children_retire_and_those_that_could_not_start_are_due(pool: Any, tmp_path: Path) -> None:
    watch = CodeWatch(tmp_path, print)
    pool.supervisor._watch = watch
    _buried(pool, _dead(EXIT_MISCONFIGURED))
    (successor,) = pool.supervisor._successors
    assert successor.due == float("inf"), "nothing but a change can mend it"
    reader, writer = os.pipe()
    running: Any = SimpleNamespace(poll=lambda: None)
    pool.supervisor._children.append(ChildProcess(running, writer, _silent(), "process"))
    pool.supervisor._renew()
    watch.note({tmp_path / "changed.py"})
    pool.supervisor._renew()
    assert os.read(reader, 100) == b"retire\n"
    pool.supervisor._replace_dead()
    assert pool.started == [0]
    os.close(reader)
    os.close(writer)
