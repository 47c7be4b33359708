"""Where one cell of the matrix happens: a namespace of a store and a broker, and the processes in it."""

from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from questline_persistence import schema
from questline_persistence.claims import Doorbell
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, EVENTS, TODO_LISTS
from questline_persistence.memory.kept import Kept
from questline_persistence.models import QuestExecutionData
from questline_persistence.schema import once, quests, runs, snapshots, table_of
from questline_persistence.writes import own_name
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from questline_scheduler.doorbells.redis_link import RedisLink
from questline_scheduler.doorbells.redis_queue import RedisQueue, prefix_of
from tests.contract.quests import Workbench
from tests.failpoints.fork_server import Forked, ForkServer
from tests.failpoints.orders import Ledger, Order


@dataclass
class Ground:
    """One cell's namespace."""

    database_url: str
    broker_url: str
    namespace: str
    folder: Path
    server: ForkServer
    #: How each quest is to end.
    expected: dict[str, str] = field(default_factory=dict)
    versions_before: int = 0
    processes: list[Forked] = field(default_factory=list)

    @property
    def quest(self) -> str:
        """The quest that the fault happens to; ids are unique in the whole store."""
        return self.namespace

    @cached_property
    def bench(self) -> Workbench:
        return Workbench(self.database_url, self.namespace)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / f"{self.namespace}.ledger")

    @property
    def log(self) -> Path:
        return self.folder / f"{self.namespace}.log"

    def remembered(self) -> list[int]:
        """Return how many versions there are of the state, the context and the to-do list, and how many events."""
        kept = Kept(self.bench.database, self.namespace)
        names = {AGENT_STATES: self.quest, CONTEXTS: self.quest, TODO_LISTS: own_name(self.quest, "today")}
        events = table_of(EVENTS)
        count = select(func.count()).where(events.c.session_id == self.quest)
        return [
            *((kept.look(kind, name)[1] or 0) for kind, name in names.items()),
            kept.read(lambda own, _: own.execute(count).scalar_one()),
        ]

    def order(self, **values: Any) -> Order:
        return Order(
            self.database_url, self.broker_url, self.namespace, str(self.ledger.path), quest_id=self.quest, **values
        )

    def start(self, **values: Any) -> Forked:
        """Have a process forked; it ends with the ground."""
        self.processes.append(self.server.fork(self.order(**values), self.log))
        return self.processes[-1]

    def client(self) -> QuestClient:
        return QuestClient(self.database_url, self.broker_url, self.namespace, database=self.bench.database)

    def ring(self, quest_id: str) -> None:
        """Ring for a quest, as whoever made it ready has done."""
        if self.broker_url.startswith("redis"):
            ticket = self.bench.ticket(quest_id)
            bell = Doorbell(quest_id, ticket.epoch, ticket.position, ticket.fence, available_at=ticket.available_at)
            broker = RingingRedisBroker(self.broker_url, namespace=self.namespace)
            broker.ring([bell])
            broker.close()

    def fetch(self, worker_id: str) -> None:
        """Have a worker fetch the bell that is rung."""
        if self.broker_url.startswith("redis"):
            with closing(RedisLink(self.broker_url)) as link:
                assert RedisQueue(link, prefix_of(self.namespace), "default").fetch(worker_id, 1)

    # Looking

    def quest_ids(self) -> list[str]:
        mine = select(quests.c.quest_id).where(quests.c.namespace == self.namespace)
        return self.bench.database.read(lambda connection: list(connection.execute(mine).scalars()))

    def load(self, quest_id: str) -> QuestExecutionData:
        return self.bench.repository.load_quest(quest_id)

    def status(self, quest_id: str) -> str:
        return self.bench.repository.status(quest_id)

    def epoch(self, quest_id: str) -> int:
        return self.load(quest_id).epoch

    def versions(self, quest_id: str) -> int:
        return len(self.bench.rows(snapshots, quest_id))

    def recorded(self) -> set[str]:
        """Return what calls within the quest's steps were recorded, each with the step's idempotency key."""
        return {f"{row.quest_id}:{row.epoch}:{row.position}/{row.name}" for row in self.bench.rows(once, self.quest)}

    def migrated(self) -> bool:
        return schema.current(self.bench.database) == schema.HEAD

    def history(self) -> dict[str, set[object]]:
        """Return every run and snapshot of every quest: rows that are only ever added."""
        return {
            quest_id: {(table.name, *row) for table in (runs, snapshots) for row in self.bench.rows(table, quest_id)}
            for quest_id in self.quest_ids()
        }

    def committed(self) -> set[str]:
        """Return the idempotency keys of the steps that have succeeded."""
        query = (
            select(runs.c.quest_id, runs.c.epoch, runs.c.position)
            .join(quests, quests.c.quest_id == runs.c.quest_id)
            .where(quests.c.namespace == self.namespace, runs.c.status == "success")
        )
        rows = self.bench.database.read(lambda connection: list(connection.execute(query)))
        return {f"{row.quest_id}:{row.epoch}:{row.position}" for row in rows}

    def close(self) -> None:
        """End every process, and close what is open."""
        for process in self.processes:
            process.kill()
        if "bench" in self.__dict__:
            self.bench.close()
