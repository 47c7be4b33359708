"""A user's project in a folder of its own, and the worker processes that are started there."""

import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from sqlalchemy import Connection

from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.recovery import WorkerView
from questline_persistence.states import RunStatus
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench
from tests.servers.process import ServerProcess
from tests.waiting import eventually

#: How long anything may take before a test gives it up, in seconds: a bound for liveness, not for speed.
LONG = 60.0

#: Short terms, so that a lost worker is noticed within a test.
TERMS = {
    "QUESTLINE_HEARTBEAT_SECONDS": "0.3",
    "QUESTLINE_LEASE_SECONDS": "5",
    "QUESTLINE_SWEEP_SECONDS": "0.3",
    "QUESTLINE_SHUTDOWN_SECONDS": "1",
    "QUESTLINE_LOG_FORMAT": "json",
}

#: Every handler writes what it does into a ledger of its own, which no database can roll back.
LORDS = dedent("""
    import os, sys, time
    from pathlib import Path
    from questline import LordContext, lord

    FOLDER = Path(__file__).parent

    def note(word, key):
        line = f"{word} {key} {os.getpid()} {time.time():.4f}\\n".encode()
        ledger = os.open(FOLDER / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(ledger, line)
        os.close(ledger)

    @lord("quick", "work")
    def quick(ctx: LordContext) -> str:
        note("begin", ctx.idempotency_key)
        note("end", ctx.idempotency_key)
        return ctx.position

    @lord("slow", "work")
    def slow(ctx: LordContext) -> int:
        note("begin", ctx.idempotency_key)
        while not (FOLDER / "gate").exists():
            time.sleep(0.01)
        note("end", ctx.idempotency_key)
        return os.getpid()

    @lord("busy", "work")
    def busy(ctx: LordContext) -> str:
        note("begin", ctx.idempotency_key)
        time.sleep(0.6)
        note("end", ctx.idempotency_key)
        return ctx.position
""")


@dataclass(frozen=True)
class Entry:
    """One line of the effect ledger."""

    word: str
    key: str
    pid: int
    time: float


@dataclass
class Project:
    """A folder with Lords in it, on one store and one broker."""

    folder: Path
    database_url: str
    broker_url: str
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[ServerProcess] = field(default_factory=list)
    children: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write("my_lords.py", LORDS)
        self.client = QuestClient(self.database_url, self.broker_url)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    # Processes

    def start(self, *command: str, **environment: str) -> ServerProcess:
        """Start a program in the project's folder; it is ended when the test is over."""
        values = {
            **TERMS,
            "QUESTLINE_DATABASE_URL": self.database_url,
            "QUESTLINE_BROKER_URL": self.broker_url,
            **self.environment,
            **environment,
        }
        setting = [f"{name}={value}" for name, value in values.items()]
        process = ServerProcess(["/usr/bin/env", *setting, *command], log=self.folder / "log")
        self.processes.append(process)
        return process

    def start_pool(self, *, processes: int = 2, threads: int = 4, python: str = sys.executable) -> ServerProcess:
        """Start `questline worker` and wait until all of its processes have registered."""
        before = len(self.live_workers())
        pool = self.start(python, "-m", "questline", "worker", "my_lords", "-p", str(processes), "-t", str(threads))
        self.wait_for_workers(before + processes)
        return pool

    def live_workers(self) -> list[WorkerView]:
        return [row for row in self.client.register.all() if row.state == "live"]

    def wait_for_workers(self, count: int) -> None:
        def there() -> bool:
            live = self.live_workers()
            self.children |= {row.pid for row in live}
            return len(live) >= count

        eventually(there, timeout=LONG, message=f"{count} workers did not come up: {self.log[-3000:]}")

    def close(self) -> None:
        """End every process that was started, by its id, and check the invariants of every quest."""
        self.open_gate()
        children = set(self.children)
        for process in self.processes:
            children |= set(descendants(process.pid))
        for process in self.processes:
            process.stop(signal.SIGTERM)
        for pid in children:
            if is_ours(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    os.kill(pid, signal.SIGKILL)
        self.client.close()
        bench = Workbench(self.database_url)
        try:
            bench.check()
        finally:
            bench.close()

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # Quests

    def submit(self, *lords: str, quest_id: str | None = None) -> str:
        stack = [LordStep(name, "work", backoff_seconds=0.05) for name in lords]
        data = QuestExecutionData(quest_type="test", execution_stack=stack)
        if quest_id is not None:
            data.quest_id = quest_id
        return self.client.submit(data).quest_id

    def completed(self, quest_id: str, timeout: float = LONG) -> QuestExecutionData:
        try:
            return self.client.wait(quest_id, timeout)
        except TimeoutError as error:
            raise AssertionError(f"{error}; log: {self.log[-4000:]}") from error

    def successes(self, quest_id: str) -> list[str | None]:
        return [run.position for run in self.client.runs(quest_id) if run.status is RunStatus.SUCCESS]

    def open_gate(self) -> None:
        (self.folder / "gate").touch()

    # The effect ledger

    def ledger(self) -> list[Entry]:
        path = self.folder / "ledger"
        if not path.exists():
            return []
        lines = [line.split(" ") for line in path.read_text().splitlines()]
        return [Entry(word, key, int(pid), float(when)) for word, key, pid, when in lines]

    def begun(self, key: str) -> list[Entry]:
        return [entry for entry in self.ledger() if entry.word == "begin" and entry.key == key]

    def wait_for_begin(self, key: str, times: int = 1) -> Entry:
        """Wait until a step has begun so often; return the last entry."""
        eventually(
            lambda: len(self.begun(key)) >= times,
            timeout=LONG,
            message=f"{key} did not begin {times} times; log: {self.log[-4000:]}",
        )
        return self.begun(key)[times - 1]

    def in_flight(self) -> dict[int, set[str]]:
        """Return, per process, the steps that have begun there and not ended."""
        open_steps: defaultdict[int, set[str]] = defaultdict(set)
        for entry in self.ledger():
            if entry.word == "begin":
                open_steps[entry.pid].add(entry.key)
            else:
                open_steps[entry.pid].discard(entry.key)
        return open_steps

    def freeze(self, pid: int) -> None:
        """Freeze a process, but not while it writes: nobody else could write an SQLite file until it went on."""

        def stop(_: Connection) -> None:
            os.kill(pid, signal.SIGSTOP)
            eventually(lambda: state_of(pid) == "T", message=f"process {pid} goes on")

        self.client.repository.database.write(stop)

    def times_begun(self) -> Counter[str]:
        return Counter(entry.key for entry in self.ledger() if entry.word == "begin")


def descendants(pid: int) -> list[int]:
    """Return the living child processes of a process, and theirs."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listing.read_text().split()):
                found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet collected does not."""
    return state_of(pid) not in {"", "Z"}


def state_of(pid: int) -> str:
    """Return the letter of a process's state: "T" while it is frozen; "" where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


def is_ours(pid: int) -> bool:
    """Tell whether a process is a worker that a test started, not a stranger that got its number."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"questline" in words and is_alive(pid)


def all_gone(pids: Sequence[int], timeout: float = LONG) -> float:
    """Wait until none of the processes lives; return the seconds that this took."""
    begun = time.monotonic()
    eventually(lambda: not any(map(is_alive, pids)), timeout=timeout, message=f"of {pids} some still live")
    return time.monotonic() - begun
