"""Processes that write one SQLite file at once, one of them killed in the middle (PROTOCOL.md §4, fault 13)."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from questline_persistence.tables import runs
from tests.contract.quests import LONG, Workbench
from tests.waiting import eventually

#: Claims and finishes whatever is ready until nothing is, and writes a line for each commit that it was told of.
WORKER = """
import sys
from questline_persistence.claims import Checkpoint, ClaimRequest, WorkerCard
from questline_persistence.database import Database
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from questline_persistence.recovery import Recovery
from questline_persistence.register import Register

url, process_id = sys.argv[1:]
database = Database(url)
journal, recovery = Journal(database, "default"), Recovery(database, "default")
journal.worker_id, journal.handlers = new_claim_id(), ["a:work"]
card = WorkerCard(journal.worker_id, process_id, "host", 1, 1, ("default",), ("a:work",))
Register(database, "default").enter(card, 3600.0)
print("up", flush=True)
sys.stdin.readline()
while True:
    recovery.ring_all()
    bells = recovery.due(limit=5)
    if not bells:
        break
    for bell in bells:
        while bell is not None:
            claim = journal.claim(ClaimRequest(bell.quest_id, bell.epoch, bell.position, new_claim_id()))
            if claim is None:
                break
            settled = journal.checkpoint(Checkpoint(claim, '"' + claim.position + '"', claim.start_time))
            if settled.won:
                print(claim.claim_id, flush=True)
            bell = settled.doorbell
"""


def test_processes_that_hammer_one_file_and_are_killed_lose_and_double_nothing(sqlite_url: str, tmp_path: Path) -> None:
    bench = Workbench(sqlite_url)
    quest_ids = [bench.submit(*["a"] * 8) for _ in range(80)]
    outputs = [tmp_path / str(number) for number in range(3)]
    victim, *others = processes = [_start(sqlite_url, output) for output in outputs]
    eventually(lambda: all(output.read_text() for output in outputs), timeout=30)
    for process in processes:
        _go(process)
    eventually(lambda: outputs[0].read_text().count("\n") > 1, timeout=30, interval=0.005)
    victim.send_signal(signal.SIGKILL)

    assert victim.wait(30) == -signal.SIGKILL
    assert [process.wait(60) for process in others] == [0, 0]
    bench.register.declare_dead(outputs[0].name)
    bench.recovery.sweep()
    last = _start(sqlite_url, tmp_path / "last")
    _go(last)
    assert last.wait(60) == 0
    lines = [line for output in (*outputs, tmp_path / "last") for line in output.read_text().splitlines()]
    told = {line for line in lines if len(line) == 32}
    committed = set()
    for quest_id in quest_ids:
        found = bench.repository.load_quest(quest_id)
        assert (found.status, found.output_data, found.version) == ("completed", "0008", 8)
        won = [run for run in bench.rows(runs, quest_id) if run.status == "success"]
        assert [run.position for run in won] == [f"{number:04d}" for number in range(1, 9)]
        committed |= {run.claim_id for run in won}
    assert len(told) > 100
    assert told <= committed, "a commit that was told of is not there"
    bench.check()
    assert bench.recovery.sweep(now=bench.clock.advance(LONG)).freed == 0
    bench.close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _start(url: str, output: Path) -> subprocess.Popen[bytes]:
    with output.open("w") as stream:
        return subprocess.Popen([sys.executable, "-c", WORKER, url, output.name], stdin=subprocess.PIPE, stdout=stream)


def _go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
