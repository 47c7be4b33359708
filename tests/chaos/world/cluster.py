"""The whole deployment under test: PostgreSQL, Valkey, proxies before them, hosts with workers, schedulers."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psycopg

from questline_persistence import schema
from questline_persistence.store import Database
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells import open_broker
from tests.chaos.history import audit
from tests.chaos.history.ledger import Ledger
from tests.chaos.parameters import Parameters
from tests.chaos.proxy import Proxy
from tests.chaos.world.program import Program
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[3]
#: Where the packages lie, so that a copy of the repository runs its own code, not what is installed.
FLOORS = ("", "persistence", "scheduler", "worker", "gateway")
NAMESPACE = "chaos"
#: Seconds between two looks at the programs.
TEND_SECONDS = 0.1
#: How long the harness's own statements wait for a store that is away, in seconds.
PATIENCE = 60.0
#: How long the workers may take to come up, in seconds; it takes two.
BOOT_SECONDS = 60.0


class Cluster:
    """Everything that is broken on purpose. Leaving the block ends every process.

    Parameters:
      parameters: how many of each, and their terms.
      folder: where logs, ledger and gates are.
    """

    def __init__(self, parameters: Parameters, folder: Path) -> None:
        self.parameters = parameters
        self.folder = folder
        self.gates = folder / "gates"
        self.ledger = Ledger(folder / "ledger")
        self.postgres = PostgresServer({"autovacuum": "on"})
        self.valkey = ValkeyServer()
        self.postgres_proxy = Proxy(lambda: self.postgres.port)
        self.valkey_proxy = Proxy(lambda: self.valkey.port)
        self.hosts: list[Program] = []
        self.schedulers: list[Program] = []
        #: Processes that the nemesis has frozen: a kill would thaw nothing and find nothing to do.
        self.frozen: set[int] = set()
        self._resources = ExitStack()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._tend, name="chaos-keeper", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End everything. Idempotent."""
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for pid in self.frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for program in self.programs:
            program.tell_to_stop()
        for program in self.programs:
            program.stop()
        self._resources.close()

    @property
    def programs(self) -> list[Program]:
        return [*self.hosts, *self.schedulers]

    @property
    def database_url(self) -> str:
        """The URL of the store, past the proxy."""
        return self.postgres.database_url(NAMESPACE)

    def children(self) -> list[int]:
        """Return the worker processes that may be killed: alive, and not frozen."""
        return [pid for host in self.hosts for pid in host.children() if pid not in self.frozen]

    def workers_up(self) -> int:
        """Return how many processes the store knows to be alive."""
        query = "SELECT count(*) FROM workers WHERE state = 'live' AND lease_until > extract(epoch FROM now())"
        return self.ask(lambda connection: int(connection.execute(query).fetchone()[0])) or 0  # type: ignore[index]

    def wait_for_workers(self) -> None:
        """Wait until every host has all of its workers."""
        wanted = self.parameters.hosts * self.parameters.processes
        eventually(lambda: self.workers_up() >= wanted, timeout=BOOT_SECONDS, message=self.story())

    def ask(self, question: Callable[[psycopg.Connection], T]) -> T | None:
        """Put a question to PostgreSQL, past questline; None while it is away."""
        try:
            with psycopg.connect(self.database_url, connect_timeout=2, autocommit=True) as connection:
                return question(connection)
        except psycopg.Error:
            return None

    def story(self) -> str:
        """Return the end of every log, for an error message."""
        return "\n".join(f"{program._log.name}: {program.log[-1500:]}" for program in self.programs)

    def _start(self) -> None:
        self.gates.mkdir(parents=True)
        enter = self._resources.enter_context
        enter(self.postgres)
        enter(self.valkey)
        enter(self.postgres_proxy)
        enter(self.valkey_proxy)
        schema.upgrade(self.postgres.create_database(NAMESPACE))
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            audit.install(connection)
        self.client = self._client()
        for number in range(self.parameters.hosts):
            self.hosts.append(self._host(number))
        for number in range(self.parameters.schedulers):
            self.schedulers.append(self._scheduler(number))
        for program in self.programs:
            program.start()
        self._keeper.start()
        self.wait_for_workers()

    def _client(self) -> QuestClient:
        """Return the client of producers and admin, which waits for a store that is away."""
        database = Database(self.database_url, patience=PATIENCE)
        self._resources.callback(database.close)
        broker = open_broker(self.valkey.url, namespace=NAMESPACE)
        self._resources.callback(broker.close)
        return QuestClient(namespace=NAMESPACE, database=database, broker=broker)

    def _host(self, number: int) -> Program:
        """Return a supervisor with its workers behind the proxies; only the first one hosts the loops as well."""
        sizes = ("-p", str(self.parameters.processes), "-t", str(self.parameters.threads))
        loops = () if number == 0 else ("--no-loops",)
        command = [sys.executable, "-m", "questline", "worker", "tests.chaos.lords", *sizes, *loops]
        database = f"postgresql://questline@127.0.0.1:{self.postgres_proxy.port}/{NAMESPACE}"
        broker = f"redis://127.0.0.1:{self.valkey_proxy.port}/0"
        return Program(command, self._environment(database, broker), self.folder / f"host-{number}.log")

    def _scheduler(self, number: int) -> Program:
        command = [sys.executable, "-m", "questline", "scheduler"]
        environment = self._environment(self.database_url, self.valkey.url)
        return Program(command, environment, self.folder / f"scheduler-{number}.log")

    def _environment(self, database_url: str, broker_url: str) -> dict[str, str]:
        return {
            **self.parameters.environment(),
            "PYTHONPATH": os.pathsep.join(str(REPOSITORY / floor) for floor in FLOORS),
            "QUESTLINE_NAMESPACE": NAMESPACE,
            "QUESTLINE_DATABASE_URL": database_url,
            "QUESTLINE_BROKER_URL": broker_url,
            "CHAOS_LEDGER": str(self.folder / "ledger"),
            "CHAOS_GATES": str(self.gates),
        }

    def _tend(self) -> None:
        while not self._stopping.wait(TEND_SECONDS):
            for program in self.programs:
                program.tend()
