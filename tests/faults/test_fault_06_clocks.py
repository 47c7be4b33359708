"""Fault 6: wall clocks an hour off, each in another direction, on workers and on the scheduler."""

import os
import signal
import sys
import time
from textwrap import dedent

from questline_persistence.states import RunStatus
from tests.acceptance.recovery.projects import LONG, Project, descendants
from tests.integration.worker.pools import tell

HOUR = 3_600
#: Python imports this by itself in every process that is started with it on its path. Only wall clocks are off, as
#: when NTP was: a monotonic clock counts seconds and knows no hour.
SHIFT = dedent("""
    import datetime, os, time

    OFF = float(os.environ["CLOCK_OFF"])
    _time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime

    class Shifted(_datetime):
        __slots__ = ()

        @classmethod
        def now(cls, tz=None):
            return _datetime.now(tz) + datetime.timedelta(seconds=OFF)

    time.time = lambda: _time() + OFF
    time.time_ns = lambda: _time_ns() + int(OFF * 1e9)
    datetime.datetime = Shifted
""")
#: Fails at its first attempt, so that a wait has to end by the right clock.
FLAKY = dedent("""
    @lord("flaky", "work")
    def flaky(ctx: LordContext) -> float:
        if ctx.attempt == 1:
            raise ValueError("once")
        return time.time()
""")


def _start(project: Project, hours: int, *command: str) -> int:
    clock = {"CLOCK_OFF": str(hours * HOUR), "PYTHONPATH": str(project.folder / "clock")}
    process = project.start(sys.executable, "-m", "questline", *command, QUESTLINE_LEASE_SECONDS="2", **clock)
    return process.pid


def _start_worker(project: Project, hours: int) -> int:
    before = len(project.live_workers())
    pid = _start(project, hours, "worker", "my_lords", "-p", "1", "-t", "2", "--no-loops")
    project.wait_for_workers(before + 1)
    return pid


def test_fault_06_clocks_an_hour_off_change_neither_safety_nor_recovery(server_project: Project) -> None:
    project = server_project
    project.write("clock/sitecustomize.py", SHIFT)
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(FLAKY)
    doomed = _start_worker(project, hours=-1)
    _start(project, +1, "scheduler")
    project.submit("slow", "flaky", "quick", quest_id="clocks")
    victim = project.wait_for_begin("clocks:0:0001")
    _start_worker(project, hours=+1)
    begun = time.time()
    for pid in (doomed, *descendants(doomed)):  # the whole machine: only the lease can tell
        os.kill(pid, signal.SIGKILL)
    project.wait_for_begin("clocks:0:0001", 2)
    taken_over = time.time() - begun
    tell(f"taken over {taken_over:.2f} s after its machine died (lease 2 s)")
    project.open_gate()
    done = project.completed("clocks")
    states = {row.pid: row.state for row in project.client.register.all()}
    assert states.pop(victim.pid) == "lost"
    assert set(states.values()) == {"live"}, "a living worker was taken for dead"
    assert abs(done.run_data["flaky"] - time.time()) > HOUR / 2, "the clock of the worker was right"
    assert taken_over < LONG / 2
    errors = [run for run in project.client.runs("clocks") if run.status is RunStatus.ERROR]
    assert ["was lost" in str(errors[0].error_message), "once" in str(errors[1].error_message)] == [True, True]
    assert len(errors) == 2
    assert project.successes("clocks") == ["0001", "0002", "0003"]
    assert done.end_time is not None
    assert abs(done.end_time - time.time()) < HOUR / 2, "a wrong clock was recorded"
