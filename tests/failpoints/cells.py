"""One cell of the matrix: a process is struck at a point, and a healthy one finishes what it left."""

import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.failpoints.fork_server import Forked
from tests.failpoints.ground import Ground
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.failpoints.orders import LEASE, LORDS, PUSHED, RAISED, RETURNED, SWEEP
from tests.failpoints.quests import fold
from tests.failpoints.scenes import Scene, VerbScene, scene_of
from tests.waiting import eventually

#: By its number, the step of a quest that is struck.
STEPS = {1: "first", 2: "middle", 3: "last"}
#: The two ways in which questline is commonly set up.
KINDS = ("sqlite_memory", "postgres_valkey")
#: What recovery may take beyond lease and sweep, in seconds: a bell that was never rung is noticed after 2, the next
#: time after 4 more, and the machine may be busy.
MARGIN = 7.0
#: How long it may take until the point is passed, in seconds.
PATIENCE = 30.0
#: What a client may raise when its process is struck, beside the error that rises itself.
HONEST = {"Struck", "StoreUnavailable"}


@dataclass(frozen=True)
class Cell:
    """A point, what happens there, on which step, and where."""

    point: str
    fault: str
    step: int
    kind: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.point}, {STEPS[self.step]} step, {self.kind}"

    def run(self, ground: Ground, scene: Scene | VerbScene | None = None) -> float:
        """Have it happen; return the seconds from the fault to the end of every quest."""
        scene = scene or scene_of(self.point)
        scene.prepare(ground, self.step)
        option = scene.option if isinstance(scene, Scene) else None
        pushing = {"pushes": LORDS[self.step - 1]} if option == "pushes" else {}
        calling = {"calls": LORDS[self.step - 1]} if option == "calls" else {}
        if self.point.rpartition(".")[0] != "migrate":
            ground.expected = dict.fromkeys(ground.quest_ids(), "completed")
            ground.versions_before = ground.versions(ground.quest)
        victim = ground.start(point=self.point, fault=self.fault, **scene.order(self.step))
        ended = self._strike(ground, victim)
        struck_at = time.monotonic()
        before = Photograph.of(ground)
        if isinstance(scene, VerbScene):
            self._judge(ground, scene, ended)
        ground.start(**pushing, **calling)
        seconds = self._finish(ground, struck_at)
        before.check(ground)
        assert_invariants(ground.database_url)
        struck = self.point.partition(".")[0]
        if struck in {"also", "put_off", "replay", "fork", "delete"}:
            assert_invariants(ground.database_url, REMEMBERED)
        if struck in {"also", "put_off"}:
            assert ground.remembered() == ([1] * 4 if pushing else [0] * 4), "a step was kept in part, or twice"
        for quest_id, status in ground.expected.items():
            assert not ground.bench.has_ticket(quest_id), "an ended quest has a ticket"
            if status == "completed":
                self._check_completed(ground, quest_id, pushing=bool(pushing))
        return seconds

    def _strike(self, ground: Ground, victim: Forked) -> int | None:
        """Wait until the victim was struck; return its exit code if that ended it."""
        if self.fault == "kill":
            code = victim.wait(PATIENCE)
            assert code == -signal.SIGKILL, f"the victim ended with {code}, not by its point"
        elif isinstance(scene_of(self.point), VerbScene):
            code = victim.wait(PATIENCE)
            assert code in (RETURNED, RAISED), f"the victim ended with {code}"
        else:
            code = None
            eventually(
                lambda: ground.ledger.entries("struck") or victim.ended.done(),
                timeout=PATIENCE,
                interval=0.01,
                message="the point was never passed",
            )
        assert [entry["text"] for entry in ground.ledger.entries("struck")] == [self.point]
        return code

    def _judge(self, ground: Ground, scene: VerbScene, code: int | None) -> None:
        """Check that the verb was done or not as its caller was told, or as far as it got, and do what remains."""
        errors = {entry["text"] for entry in ground.ledger.entries("raised")}
        assert errors <= HONEST, f"the caller was told a wrong reason: {ground.ledger.entries('why')}"
        done = scene.done(ground)
        if scene.verb != "migrate" or self.step == 1:
            must = code == RETURNED or self.point.endswith(".committed")
            assert done == must, f"{scene.verb} was {'done' if done else 'not done'}, exit code {code}"
        for quest_id in ground.quest_ids() if ground.migrated() else ():
            ground.expected.setdefault(quest_id, "completed")
        if done:
            for quest_id in set(ground.expected) - set(ground.quest_ids()):
                del ground.expected[quest_id]
        scene.finish(ground, done)
        for quest_id in ground.quest_ids():
            ground.expected.setdefault(quest_id, "completed")

    def _finish(self, ground: Ground, struck_at: float) -> float:
        """Wait until every quest has ended; return how long that took."""
        limit = LEASE + SWEEP + MARGIN
        eventually(
            lambda: all(ground.status(quest_id) == status for quest_id, status in ground.expected.items()),
            timeout=limit,
            interval=0.1,
            message="the quests did not end as expected",
        )
        return time.monotonic() - struck_at

    def _check_completed(self, ground: Ground, quest_id: str, *, pushing: bool) -> None:
        """Check a quest's state against what its steps must come to, each having succeeded once."""
        lords = [*LORDS[: self.step], PUSHED, *LORDS[self.step :]] if pushing else [*LORDS]
        found = ground.load(quest_id)
        assert found.run_data == fold(*lords), "I9: the state is not the fold of the results"
        assert found.output_data == found.run_data[lords[-1]]
        assert not found.execution_stack
        won = [run for run in ground.bench.repository.runs(quest_id) if run.status == "success"]
        positions = [run.position for run in won if run.epoch == found.epoch and run.position]
        by_hand = not won
        assert by_hand or sorted(set(positions)) == sorted(step.position for step in found.steps)
        assert by_hand or len(positions) == len(lords)


@dataclass(frozen=True)
class Photograph:
    """What was committed when the fault was over, and may neither change nor be done again."""

    committed: set[str]
    history: dict[str, set[object]]
    recorded: set[str]
    runs: int
    calls: int

    @classmethod
    def of(cls, ground: Ground) -> "Photograph":
        migrated = ground.migrated()
        committed = ground.committed() if migrated else set()
        history = ground.history() if migrated else {}
        recorded = ground.recorded() if migrated else set()
        # Counted last: what is in the ledger beyond these ran after the steps in `committed` were.
        ran, called = (len(ground.ledger.entries(event)) for event in ("ran", "called"))
        return cls(committed, history, recorded, ran, called)

    def check(self, ground: Ground) -> None:
        """Check that history was only added to, and that no committed step ran again."""
        again = {entry["text"] for entry in ground.ledger.entries("ran")[self.runs :]} & self.committed
        assert not again, f"committed steps ran again: {again}"
        called = {entry["text"] for entry in ground.ledger.entries("called")[self.calls :]} & self.recorded
        assert not called, f"I30: recorded calls were made again: {called}"
        after = ground.history()
        for quest_id, rows in self.history.items():
            assert quest_id not in after or rows <= after[quest_id], "I1: a row of the history was changed"


def run_all(cells: list[Cell], ground_for: Callable[[Cell, str], Ground]) -> dict[Cell, float | str]:
    """Run cells at the same time; return the seconds that each recovery took, or what went wrong."""
    with ThreadPoolExecutor(len(cells)) as pool:
        return dict(zip(cells, pool.map(lambda cell: _run(cell, ground_for), cells), strict=True))


def _run(cell: Cell, ground_for: Callable[[Cell, str], Ground]) -> float | str:
    ground = ground_for(cell, f"n{uuid.uuid4().hex[:12]}")
    try:
        return cell.run(ground)
    except Exception as error:  # noqa: BLE001  (it is told with those of the other cells)
        log = ground.log.read_text()[-3_000:] if ground.log.exists() else ""
        return f"{type(error).__name__}: {error}\n{log}"
    finally:
        ground.close()
