"""Processes that write one SQLite file, some killed inside of a transaction (docs/project/faults.md, fault 13)."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from questline_persistence.schema import runs
from tests.contract.quests import LONG, Workbench
from tests.waiting import eventually

#: Claims and finishes whatever is ready until nothing is, and writes a line for each commit that it was told of. It may
#: be told at which passing of a failpoint to kill itself.
WORKER = """
import os, signal, sys
from questline_persistence import failpoints
from questline_persistence.claims import Checkpoint, ClaimRequest, Succeeded
from questline_persistence.store.database import Database
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Identity, Journal
from questline_persistence.recovery import Bells, Register, WorkerCard

url, process_id, doom, passings = sys.argv[1:]

def die(name):
    global passings
    passings = int(passings) - (name == doom)
    if passings == 0:
        os.kill(os.getpid(), signal.SIGKILL)

# What another has rung may be due by its clock and not yet by this one.
READY = "SELECT 1 FROM tickets WHERE state = 'ready'"
failpoints.arm(die if doom else None)
database = Database(url)
journal = Journal(database, "default", Identity(new_claim_id(), ["a:work"]))
waiting = Bells(database, "default")
card = WorkerCard(journal.worker_id, process_id, "host", 1, 1, ("default",), ("a:work",))
Register(database, "default").enter(card, 3600.0)
print("up", flush=True)
sys.stdin.readline()
while True:
    waiting.ring_all()
    bells = waiting.due(limit=2)
    if not bells and not database.read(lambda connection: connection.exec_driver_sql(READY).first()):
        break
    for bell in bells:
        while bell is not None:
            claim = journal.claim(ClaimRequest(bell.quest_id, bell.epoch, bell.position, new_claim_id()))
            if claim is None:
                break
            settled = journal.checkpoint(Checkpoint(claim, Succeeded('"' + claim.position + '"'), claim.start_time))
            if settled.won:
                print(claim.claim_id, flush=True)
            bell = settled.doorbell
"""


#: How many processes write at once, and where some of them die: inside of a claim, and inside of a checkpoint.
PROCESSES = 8
DOOMS = {0: "claim.begun", 1: "claim.written", 2: "checkpoint.begun", 3: "checkpoint.written"}


def test_fault_13_eight_processes_that_hammer_one_file_and_are_killed_lose_and_double_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    bench = Workbench(sqlite_url)
    quest_ids = [bench.submit(*["a"] * 8) for _ in range(40)]
    outputs = [tmp_path / str(number) for number in range(PROCESSES)]
    processes = [_start(sqlite_url, output, DOOMS.get(number, "")) for number, output in enumerate(outputs)]
    eventually(lambda: all(output.read_text() for output in outputs), timeout=30)
    for process in processes[: len(DOOMS)]:
        _go(process)
    # The doomed begin: who begins late may find no work left to die of.
    eventually(lambda: all(_told(outputs[number]) for number in DOOMS), timeout=60, interval=0.005)
    for process in processes[len(DOOMS) :]:
        _go(process)

    codes = [process.wait(60) for process in processes]
    assert codes == [-signal.SIGKILL if number in DOOMS else 0 for number in range(PROCESSES)]
    for number in DOOMS:
        bench.register.declare_dead(outputs[number].name)
    bench.sweep.run()
    last = _start(sqlite_url, tmp_path / "last")
    _go(last)
    assert last.wait(60) == 0
    _check(bench, quest_ids, set().union(*map(_told, (*outputs, tmp_path / "last"))))
    assert bench.sweep.run(now=bench.clock.advance(LONG)).freed == 0
    bench.close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _check(bench: Workbench, quest_ids: list[str], told: set[str]) -> None:
    """Check that every step was committed once, among them all of whose commit somebody was told."""
    committed = set()
    for quest_id in quest_ids:
        found = bench.repository.load_quest(quest_id)
        assert (found.status, found.output_data) == ("completed", "0008")
        won = [run for run in bench.rows(runs, quest_id) if run.status == "success"]
        assert [run.position for run in won] == [f"{number:04d}" for number in range(1, 9)]
        committed |= {run.claim_id for run in won}
    assert len(told) > 100
    assert told <= committed, "a commit that was told of is not there"
    bench.check()


def _told(output: Path) -> set[str]:
    """Return the claims of whose commit a process was told."""
    return {line for line in output.read_text().splitlines() if len(line) == 32}


def _start(url: str, output: Path, doom: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, url, output.name, doom, "3"]
    with output.open("w") as stream:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream)


def _go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
