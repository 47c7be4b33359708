"""One store that is measured on, with the broker beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from questline import QuestClient, QuestExecutionData
from questline_persistence.store import Database
from tests.waiting import eventually

#: Longest that one batch of quests may take, in seconds.
PATIENCE = 1_800.0


@dataclass(frozen=True, slots=True)
class Store:
    """Where quests are kept and doorbells are rung, and a folder for what belongs to them."""

    database_url: str
    broker_url: str
    folder: Path

    def client(self) -> QuestClient:
        """Return a producer's client."""
        return QuestClient(self.database_url, self.broker_url)

    def database(self) -> Database:
        """Return a connection of its own, apart from those of workers and producers."""
        return Database(self.database_url)

    def wait_until_done(self, database: Database, interval: float = 0.01) -> None:
        """Wait until no quest is live, looking every `interval` seconds."""
        eventually(
            lambda: database.read(lambda own: own.exec_driver_sql("SELECT 1 FROM tickets LIMIT 1").first()) is None,
            timeout=PATIENCE,
            interval=interval,
            message="quests are left that nobody finishes",
        )

    def timed(self, batch: Sequence[QuestExecutionData], interval: float = 0.01) -> tuple[float, list[str]]:
        """Submit quests and wait for them; return the seconds from the one to the other, and their ids."""
        database = self.database()
        try:
            with self.client() as client:
                started = time.perf_counter()
                handles = client.submit_many(batch)
                self.wait_until_done(database, interval)
                seconds = time.perf_counter() - started
        finally:
            database.close()
        return seconds, [handle.quest_id for handle in handles]


def quests(count: int, steps: int, tool: str = "noop") -> list[QuestExecutionData]:
    """Return `count` quests of `steps` steps that call one tool of the benchmarks' Lord."""
    stack = [("bench", tool)] * steps
    return [QuestExecutionData(quest_type="bench", execution_stack=stack) for _ in range(count)]  # type: ignore[arg-type]  # pairs are accepted
