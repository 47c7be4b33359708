"""A pool of real workers inside the test process: real stores, real brokers, real Dramatiq workers."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.claims import Doorbell
from questline_persistence.models import LordRun, LordStep, QuestExecutionData
from questline_persistence.settings import Settings
from questline_persistence.states import RunStatus
from questline_scheduler.client import QuestClient, QuestHandle
from questline_scheduler.doorbells import DoorbellBroker
from questline_worker.process import WorkerProcess
from tests.contract.quests import Workbench
from tests.waiting import eventually

#: How long a quest may take before a test gives it up, in seconds: a bound for liveness, not for speed.
LONG = 40.0
#: Milliseconds that Dramatiq's threads wait for work before they look whether to stop.
POLL_MS = 100


@dataclass
class Member:
    """One worker of the pool."""

    process: WorkerProcess
    worker: dramatiq.Worker
    running: bool = True

    @property
    def broker(self) -> DoorbellBroker:
        return self.process.broker

    @property
    def worker_id(self) -> str:
        return self.process.lease.worker_id

    def freeze(self) -> None:
        """Let the worker fall silent while its handlers go on: no heartbeat, no loops."""
        self.process.lease._loop.stop()
        self.process._loops.stop()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop as a worker process does at SIGTERM."""
        if not self.running:
            return
        self.running = False
        limit = threading.Timer(seconds + 5.0, self.process.database.give_up)
        limit.start()
        self.worker.stop(timeout=int(seconds * 1000))
        limit.cancel()
        self.process.broker.close()

    def close(self) -> None:
        """Close what a step may use that goes on although its worker was stopped."""
        eventually(lambda: not self.process.running.all(), message="a step did not end")
        self.process.event_loop.stop()
        self.process.database.close()


@dataclass
class Pool:
    """Workers and clients of one store and one broker; `close` ends them all."""

    database_url: str
    broker_url: str
    members: list[Member] = field(default_factory=list)
    clients: list[QuestClient] = field(default_factory=list)
    gates: list[threading.Event] = field(default_factory=list)

    def start(
        self,
        *,
        threads: int = 4,
        loops: bool = True,
        middleware: list[Middleware] | None = None,
        broker: DoorbellBroker | None = None,
        **changed: Any,
    ) -> Member:
        """Start a worker that knows the Lords registered so far."""
        process = WorkerProcess(self.settings(worker_threads=threads, **changed), loops=loops, broker=broker)
        for item in middleware or []:
            process.broker.add_middleware(item)
        worker = dramatiq.Worker(
            process.broker, queues=set(process.settings.queues), worker_threads=threads, worker_timeout=POLL_MS
        )
        self.members.append(Member(process, worker))
        process.broker.emit_after("process_boot")  # as Dramatiq's own command does; its time limit starts then
        worker.start()
        return self.members[-1]

    def settings(self, **changed: Any) -> Settings:
        return Settings(
            **{
                "database_url": self.database_url,
                "broker_url": self.broker_url,
                "heartbeat_seconds": 0.2,
                "lease_seconds": 15.0,  # a starved machine must not lose a worker that a test does not freeze
                "sweep_seconds": 0.2,
                **changed,
            }
        )

    def client(self, namespace: str = "default") -> QuestClient:
        self.clients.append(QuestClient(self.database_url, self.broker_url, namespace))
        return self.clients[-1]

    def gate(self) -> threading.Event:
        """Return a gate for handlers to wait at; it opens when the test is over."""
        self.gates.append(threading.Event())
        return self.gates[-1]

    def close(self) -> None:
        for gate in self.gates:
            gate.set()
        for member in self.members:
            member.stop()
        for member in self.members:
            member.close()
        for client in self.clients:
            client.close()
        self._check()

    def _check(self) -> None:
        """Check every quest (docs/project/protocol.md, "Invariants")."""
        for namespace in {"default", *(client.namespace for client in self.clients)}:
            bench = Workbench(self.database_url, namespace)
            try:
                bench.check()
            finally:
                bench.close()


def steps(*lords: str | LordStep, **options: Any) -> list[LordStep]:
    """Return a step for each Lord; their tool is called work, and they are tried again at once."""
    return [
        lord if isinstance(lord, LordStep) else LordStep(lord, "work", **{"backoff_seconds": 0.01, **options})
        for lord in lords
    ]


def quest(*lords: str | LordStep, **fields: Any) -> QuestExecutionData:
    return QuestExecutionData(**{"quest_type": "test", "execution_stack": steps(*lords), **fields})


def completed(handle: QuestHandle, timeout: float = LONG) -> QuestExecutionData:
    """Wait until a quest is completed and return it."""
    return handle.wait(timeout)


def ended(client: QuestClient, quest_id: str, status: str, timeout: float = LONG) -> QuestExecutionData:
    """Wait until a quest has a status and return it."""
    eventually(
        lambda: client.repository.status(quest_id) == status,
        timeout=timeout,
        message=f"the quest did not become {status}: {client.get(quest_id).to_json()}",
    )
    return client.get(quest_id)


def successes(client: QuestClient, quest_id: str) -> list[tuple[int, str | None]]:
    """Return (epoch, position) of every success, in order."""
    return [(run.epoch, run.position) for run in client.runs(quest_id) if run.status is RunStatus.SUCCESS]


def errors(client: QuestClient, quest_id: str) -> list[LordRun]:
    return [run for run in client.runs(quest_id) if run.status is RunStatus.ERROR]


class TriplingBroker:
    """Makes a broker deliver whatever is rung three times, as a broker may."""

    def __init__(self, broker: DoorbellBroker) -> None:
        self._ring: Callable[..., list[Doorbell]] = broker.ring
        self.rung = 0
        broker.ring = self.ring  # type: ignore[method-assign]

    def ring(self, bells: list[Doorbell]) -> list[Doorbell]:
        """Ring each bell under three fences, so that not even the broker takes them for one."""
        self.rung += len(bells)
        left: list[Doorbell] = []
        for offset in (0, 1_000_000, 2_000_000):
            moved = [_fenced(bell, bell.fence + offset) for bell in bells]
            left += self._ring(moved)
        return [bell for bell in left if bell.fence < 1_000_000]


def _fenced(bell: Doorbell, fence: int) -> Doorbell:
    return Doorbell(bell.quest_id, bell.epoch, bell.position, fence, bell.queue, bell.priority, bell.available_at)


def tell(text: str) -> None:
    """Write a measured time to the test's output: it is for people, since no test asserts speed."""
    sys.stdout.write(f"{text}\n")
