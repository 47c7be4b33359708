"""One SQLite file and all who may share it, each killed again and again: workers, an executor, producers, readers."""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from questline_persistence import schema
from questline_persistence.store import Database
from tests.chaos.embedded import account, work
from tests.chaos.embedded.work import Acknowledged
from tests.chaos.history.ledger import Ledger
from tests.chaos.history.records import History
from tests.chaos.plan import QuestPlan
from tests.chaos.rules.executions import executions
from tests.chaos.rules.outcomes import outcomes
from tests.chaos.rules.violation import Violation
from tests.chaos.world.cluster import FLOORS, NAMESPACE, REPOSITORY, TEND_SECONDS
from tests.chaos.world.program import Program
from tests.waiting import eventually

#: The programs that have quests of their own, by their modules.
PRODUCERS = ("forked_producers", "reading_producer", "executing")
#: How long all quests may take to end after the last kill, in seconds.
DRAIN_SECONDS = 150.0
_LIVE = "SELECT count(*) FROM quest_executions WHERE status NOT IN ('completed', 'failed', 'cancelled')"
_TERMS = {
    "QUESTLINE_HEARTBEAT_SECONDS": "0.5",
    "QUESTLINE_LEASE_SECONDS": "3",
    "QUESTLINE_SWEEP_SECONDS": "0.3",
    "QUESTLINE_SHUTDOWN_SECONDS": "1",
    "QUESTLINE_LOG_FORMAT": "json",
    "QUESTLINE_LOG_LEVEL": "warning",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """One soak: how many quests each of the producers has, and how many programs are killed in how many seconds."""

    seed: int
    quests: int
    kills: int
    seconds: float


@dataclass
class Outcome:
    """What came of a soak."""

    parameters: Parameters
    history: History
    #: The names of the programs that were killed.
    killed: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    #: What SQLite says of the file.
    integrity: str = ""

    def summary(self) -> str:
        """Return what a test's output should show."""
        lines = [f"seed {self.parameters.seed}: {len(self.killed)} kills, integrity {self.integrity}"]
        return "\n".join([*lines, *map(str, self.violations[:40])])


def soak(parameters: Parameters, folder: Path, broker_url: str) -> Outcome:
    """Run a soak in a folder; its logs and ledger stay there."""
    sys.stderr.write(f"\nembedded soak, seed {parameters.seed}, in {folder}\n")
    gates = folder / "gates"
    gates.mkdir(parents=True)
    for number in range(len(PRODUCERS) * parameters.quests):
        (gates / QuestPlan(parameters.seed, number).quest_id).touch()
    store = folder / "store.db"
    with ExitStack() as stack:
        database = _store(store, stack)
        programs = _programs(parameters, folder, store, broker_url)
        stack.enter_context(_running(programs))
        acknowledged = {name: Acknowledged(folder / name) for name in PRODUCERS}
        killed = _strike(parameters, programs)
        _await(lambda: all(len(one.numbers()) == parameters.quests for one in acknowledged.values()), programs)
        _await(lambda: not _asked(database, _LIVE), programs)
    numbers = sorted(number for one in acknowledged.values() for number in one.numbers())
    with ExitStack() as stack:
        database = _opened(store, stack)
        plans = [QuestPlan(parameters.seed, number) for number in numbers]
        told = database.read(partial(account.history, ledger=Ledger(folder / "ledger"), plans=plans, still=[]))
        integrity = str(_asked(database, "PRAGMA integrity_check"))
    violations = [violation for rule in (outcomes, executions) for violation in rule(told)]
    outcome = Outcome(parameters, told, killed, violations, integrity)
    sys.stderr.write(f"{outcome.summary()}\n")
    return outcome


def _store(path: Path, stack: ExitStack) -> Database:
    """Return a new store that keeps its account."""
    schema.upgrade(f"sqlite:///{path}")
    database = _opened(path, stack)
    database.write(account.install)
    return database


def _opened(path: Path, stack: ExitStack) -> Database:
    database = Database(f"sqlite:///{path}", patience=60.0)
    stack.callback(database.close)
    return database


def _asked(database: Database, question: str) -> object:
    return database.read(lambda connection: connection.exec_driver_sql(question).scalar())


def _programs(parameters: Parameters, folder: Path, store: Path, broker_url: str) -> dict[str, Program]:
    """Return all programs: a pool of workers whose handlers read the file too, and those that have quests."""
    common = {
        **_TERMS,
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / floor) for floor in FLOORS),
        "QUESTLINE_NAMESPACE": NAMESPACE,
        "QUESTLINE_DATABASE_URL": f"sqlite:///{store}",
        "QUESTLINE_BROKER_URL": broker_url,
        "CHAOS_LEDGER": str(folder / "ledger"),
        "CHAOS_GATES": str(folder / "gates"),
        "CHAOS_READS": str(store),
        work.SEED: str(parameters.seed),
        work.COUNT: str(parameters.quests),
    }
    pool = [sys.executable, "-m", "questline", "worker", "tests.chaos.lords", "-p", "2", "-t", "2"]
    programs = {"workers": Program(pool, common, folder / "workers.log")}
    for place, name in enumerate(PRODUCERS):
        own = {work.FIRST: str(place * parameters.quests), work.ACKNOWLEDGED: str(folder / name)}
        command = [sys.executable, "-m", f"tests.chaos.embedded.{name}"]
        programs[name] = Program(command, common | own, folder / f"{name}.log")
    return programs


@contextmanager
def _running(programs: Mapping[str, Program]) -> Iterator[None]:
    """Run the programs, each started again whenever it ends, until the block is left."""
    stopping = threading.Event()

    def tend() -> None:
        while not stopping.wait(TEND_SECONDS):
            for program in programs.values():
                program.tend()

    keeper = threading.Thread(target=tend, name="chaos-keeper", daemon=True)
    try:
        for program in programs.values():
            program.start()
        keeper.start()
        yield
    finally:
        stopping.set()
        if keeper.is_alive():
            keeper.join()
        for end in (Program.tell_to_stop, Program.stop):
            for program in programs.values():
                end(program)


def _strike(parameters: Parameters, programs: Mapping[str, Program]) -> list[str]:
    """Kill programs at random, over the time of the soak; return which."""
    draw = random.Random(parameters.seed)  # noqa: S311  (to be drawn again)
    begun, waiting, killed = time.monotonic(), threading.Event(), []
    strikes: list[Callable[[Program], object]] = [Program.kill_with_children, Program.kill, _kill_child]
    for number in range(parameters.kills):
        due = begun + (number + draw.random()) * parameters.seconds / parameters.kills
        waiting.wait(max(0.0, due - time.monotonic()))
        name = draw.choice([*programs])
        draw.choice(strikes if name == "workers" else strikes[:1])(programs[name])
        killed.append(name)
    return killed


def _await(condition: Callable[[], bool], programs: Mapping[str, Program]) -> None:
    """Wait for what must come about once nobody is killed any more."""
    try:
        eventually(condition, timeout=DRAIN_SECONDS)
    except AssertionError as error:
        logs = "\n".join(f"{name}: {program.log[-1500:]}" for name, program in programs.items())
        raise AssertionError(f"{error}\n{logs}") from None


def _kill_child(program: Program) -> None:
    for pid in program.children()[:1]:
        os.kill(pid, 9)
