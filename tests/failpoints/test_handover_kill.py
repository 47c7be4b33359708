"""kill -9 of a worker of several threads at a step that it has handed over to itself."""

import signal
import time
import uuid
from collections.abc import Callable

import pytest

from questline_persistence.models import LordStep, QuestExecutionData
from tests.failpoints.cells import KINDS, MARGIN, PATIENCE, Cell, Photograph
from tests.failpoints.ground import Ground
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.matrix import UNREACHABLE
from tests.failpoints.orders import IN_THE_BODY, LEASE, LORDS, SWEEP
from tests.integration.worker.pools import tell
from tests.waiting import eventually

THREADS = 4
#: Steps of the quest: so many that some are handed over, wherever the consumer looks meanwhile.
MANY = 30
POINTS = (
    *("worker.claimed", "worker.body", IN_THE_BODY, "worker.settled"),
    *("checkpoint.begun", "checkpoint.written", "checkpoint.committed"),
)


def _quest(quest_id: str) -> QuestExecutionData:
    stack = [LordStep(LORDS[0], "work", backoff_seconds=0.01) for _ in range(MANY)]
    return QuestExecutionData(quest_id=quest_id, quest_type="test", execution_stack=stack)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_fault_01_kill_9_at_a_handed_step_loses_nothing_and_doubles_nothing(
    point: str, kind: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    if point in UNREACHABLE[kind]:
        return
    ground = ground_for(Cell(point, "kill", 1, kind), f"n{uuid.uuid4().hex[:12]}")
    try:
        ground.bench.send(_quest(ground.quest))
        ground.ring(ground.quest)
        victim = ground.start(point=point, threads=THREADS, handed=True)
        assert victim.wait(PATIENCE) == -signal.SIGKILL, "no step was handed over"
        struck_at = time.monotonic()
        assert [entry["text"] for entry in ground.ledger.entries("struck")] == [point]
        before = Photograph.of(ground)
        assert before.committed, "what was handed over came after nothing"
        assert len(before.committed) < MANY

        ground.start(threads=THREADS)
        eventually(
            lambda: ground.status(ground.quest) == "completed",
            timeout=LEASE + SWEEP + MARGIN,
            interval=0.05,
            message="the quest did not go on",
        )
        tell(f"recovery: {time.monotonic() - struck_at:.2f} s")
        before.check(ground)
        assert_invariants(ground.database_url)
        won = [run.position for run in ground.bench.repository.runs(ground.quest) if run.status == "success"]
        assert won == [f"{number:04d}" for number in range(1, MANY + 1)]
        assert not ground.bench.has_ticket(ground.quest)
    finally:
        ground.close()
