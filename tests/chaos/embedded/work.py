"""What a program of the embedded soak is told by its environment, and the list of quests that were acknowledged."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from questline_persistence.errors import QuestConflict
from questline_scheduler.client import QuestClient
from tests.chaos.plan import QuestPlan

#: Names of the environment variables that tell a program which quests are its own, and where it notes them.
SEED, FIRST, COUNT, ACKNOWLEDGED = "CHAOS_SEED", "CHAOS_FIRST", "CHAOS_COUNT", "CHAOS_ACKNOWLEDGED"


class Acknowledged:
    """The numbers of the quests that somebody was told are in the store: one write a line, whoever is killed.

    Parameters:
      path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, number: int) -> None:
        """Add a number."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, f"{number}\n".encode())
        os.close(file)

    def numbers(self) -> set[int]:
        """Return what was noted so far."""
        return {int(line) for line in self._path.read_text().splitlines()} if self._path.exists() else set()


@dataclass(frozen=True, slots=True)
class Work:
    """The quests of one program, and where it notes those that were acknowledged."""

    seed: int
    first: int
    count: int
    acknowledged: Acknowledged

    def left(self) -> Iterator[QuestPlan]:
        """Yield the quests that are not acknowledged yet: a killed program goes on with them."""
        known = self.acknowledged.numbers()
        numbers = range(self.first, self.first + self.count)
        return (QuestPlan(self.seed, number) for number in numbers if number not in known)


def told() -> Work:
    """Return what the environment says."""
    seed, first, count = (int(os.environ[name]) for name in (SEED, FIRST, COUNT))
    return Work(seed, first, count, Acknowledged(Path(os.environ[ACKNOWLEDGED])))


def submit(client: QuestClient, plan: QuestPlan, acknowledged: Acknowledged) -> None:
    """Submit a quest that an earlier life of this program may have submitted, and note it."""
    with suppress(QuestConflict):
        client.submit(plan.quest())
    acknowledged.note(plan.number)
