"""kill -9 in handlers that make ten calls once, again and again; a ledger that no database rolls back is the judge."""

import random
import signal
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.models import LordStep, QuestExecutionData
from tests.failpoints.cells import KINDS, MARGIN, PATIENCE, Cell
from tests.failpoints.ground import Ground
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.matrix import UNREACHABLE
from tests.failpoints.orders import AWAITED, CALLS, IN_A_CALL, LEASE, PLAIN, SWEEP
from tests.waiting import eventually

#: Where a process dies: after a call's effect, before its record is sent, before COMMIT, after COMMIT.
POINTS = (IN_A_CALL, "once.begun", "once.written", "once.committed")
#: How often a step may lose its process; at the next time its quest fails.
KILLS_PER_STEP = 2
#: The long form: so many quests of each sort at once, and so many kills in each, 200 in all.
QUESTS, KILLS = 5, 10


class Siege:
    """One quest whose processes are killed one after the other, wherever chance has it.

    Parameters:
      ground: where it happens.
      lord: the Lord of all its steps.
      kills: how many processes die.
      seed: what chance goes by.
    """

    def __init__(self, ground: Ground, lord: str, kills: int, seed: int) -> None:
        self._ground = ground
        self._lord = lord
        self._kills = kills
        self._chance = random.Random(seed)  # noqa: S311  (it is to be had again)
        self._points = [point for point in POINTS if point not in UNREACHABLE[self._kind]]
        self._steps = kills // KILLS_PER_STEP + 1

    @property
    def _kind(self) -> str:
        return KINDS[not self._ground.database_url.startswith("sqlite")]

    def lay(self) -> None:
        """Kill, look after each kill, have a last process go on, and judge what has come of it."""
        ground = self._ground
        stack = [LordStep(self._lord, "work", backoff_seconds=0.01) for _ in range(self._steps)]
        ground.bench.send(QuestExecutionData(quest_id=ground.quest, quest_type="test", execution_stack=stack))
        ground.ring(ground.quest)
        seen = [self._kill(number) for number in range(self._kills)]
        ground.start()
        eventually(
            lambda: ground.status(ground.quest) == "completed",
            timeout=LEASE + SWEEP + MARGIN + self._steps,
            interval=0.1,
            message="the quest did not go on",
        )
        self._judge(seen)

    def _kill(self, number: int) -> tuple[set[str], int]:
        """Have a process die at the step whose turn it is; return what is recorded then, and how many calls there were.

        The first process to be killed at a step ends the step before, which the last one was killed at.
        """
        ground, first = self._ground, number % KILLS_PER_STEP == 0
        point = self._chance.choice(self._points)
        at_step = f"{ground.quest}:0:{number // KILLS_PER_STEP + 1:04d}/"
        made = sum(name.startswith(at_step) for name in ground.recorded())
        # Calls of one task pass each point in their turn; what overlaps passes those of the store together.
        most = CALLS - made - 1 if self._lord == PLAIN or point == IN_A_CALL else 0
        skips = self._chance.randint(0, min(most, CALLS - 2))
        victim = ground.start(point=point, after=int(first and number > 0), skips=skips)
        assert victim.wait(PATIENCE) == -signal.SIGKILL, f"nobody died at {point}, pass {skips + 1} of kill {number}"
        return ground.recorded(), len(ground.ledger.entries("called"))

    def _judge(self, seen: list[tuple[set[str], int]]) -> None:
        """Check that no recorded call was made again, and that every result is right."""
        ground = self._ground
        called = [entry["text"] for entry in ground.ledger.entries("called")]
        for number, (recorded, calls) in enumerate(seen):
            again = recorded & {*called[calls:]}
            assert not again, f"I30: after kill {number}, recorded calls were made again: {again}"
        every = {f"{ground.quest}:0:{step + 1:04d}/{call}" for step in range(self._steps) for call in range(CALLS)}
        assert ground.recorded() == every
        assert {*called} == every
        in_flight = 1 if self._lord == PLAIN else CALLS // 2
        assert len(called) - len(every) <= in_flight * self._kills, "more ran again than what was under way"
        won = [run for run in ground.bench.repository.runs(ground.quest) if run.status == "success"]
        assert [run.output_data for run in won] == [[call * call for call in range(CALLS)]] * self._steps


def _lay(kind: str, lord: str, quests: int, kills: int, ground_for: Callable[[Cell, str], Ground]) -> None:
    """Lay siege to so many quests at the same time."""
    seeds = [random.randrange(2**32) for _ in range(quests)]  # noqa: S311  (as above)
    grounds = [ground_for(Cell("once.begun", "kill", 1, kind), f"n{uuid.uuid4().hex[:12]}") for _ in seeds]
    print(f"seeds: {seeds}")  # noqa: T201  (a failure is to be had again)
    try:
        with ThreadPoolExecutor(quests) as pool:
            list(pool.map(lambda ground, seed: Siege(ground, lord, kills, seed).lay(), grounds, seeds))
        assert_invariants(grounds[0].database_url)
    finally:
        for ground in grounds:
            ground.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lord", [PLAIN, AWAITED])
def test_fault_36_a_recorded_call_is_never_made_again(
    lord: str, kind: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    _lay(kind, lord, 1, KILLS_PER_STEP, ground_for)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lord", [PLAIN, AWAITED])
def test_fault_36_in_two_hundred_kills_no_recorded_call_is_made_again(
    lord: str, kind: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    _lay(kind, lord, QUESTS, KILLS, ground_for)
