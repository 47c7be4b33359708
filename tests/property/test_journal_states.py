"""Many histories of two quests and two workers on the real store, beside a small model that says what must be."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from questline_persistence import schema
from questline_persistence.claims import Claim
from questline_persistence.errors import QuestConflict
from questline_persistence.models import LordStep
from questline_persistence.states import TERMINAL, TRANSITIONS, ExecutionStatus, TicketState
from questline_persistence.tables import runs, tickets
from tests.contract.quests import LONG, Workbench, failure

#: Steps of each quest, and attempts of each step.
STEPS, ATTEMPTS = 3, 2

QUESTS, WORKERS = st.integers(0, 1), st.integers(0, 1)


@dataclass
class Model:
    """What is to be seen of a quest; its position is the number of its finished steps."""

    status: str = "new"
    epoch: int = 0
    position: int = 0
    version: int = 0
    attempt: int = 0
    lost: int = 0
    holder: Claim | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    #: For each snapshot version its position and outputs.
    history: list[tuple[int, dict[str, Any]]] = field(default_factory=lambda: [(0, {})])

    def snapshot(self) -> None:
        self.version += 1
        self.history.append((self.position, dict(self.outputs)))

    def release(self) -> None:
        """Let go of the claim; a pause that was asked for comes into force."""
        self.holder = None
        if self.status == "pausing":
            self.status = "paused"
            self.snapshot()

    @property
    def claimable(self) -> bool:
        return self.status in {"new", "running"} and self.holder is None


class JournalStates(RuleBasedStateMachine):
    """Every rule does a thing to the store and to the model, and compares what both say."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Workbench(":memory:")
        schema.ensure(self.bench.database)
        self.workers = [self.bench.worker(process_id=str(number), lease=1_000 * LONG) for number in range(2)]
        self.quest_ids: list[str] = []
        self.models: list[Model] = []
        self.claims: list[tuple[int, Claim]] = []
        self.fences: dict[str, int] = {}
        self.frozen: dict[str, Any] = {}

    def teardown(self) -> None:
        self.bench.close()

    @initialize()
    def submit(self) -> None:
        for _ in range(2):
            steps = [LordStep(lord, "work", max_attempts=ATTEMPTS, backoff_seconds=0) for lord in "abc"]
            self.quest_ids.append(self.bench.submit(*steps))
            self.models.append(Model())

    @rule(number=QUESTS, worker=WORKERS)
    def claim(self, number: int, worker: int) -> None:
        model = self.models[number]
        if not self.bench.has_ticket(self.quest_ids[number]):
            return
        claim = self.bench.try_claim(self.quest_ids[number], self.workers[worker])
        assert (claim is not None) == model.claimable
        if claim is not None:
            assert (claim.epoch, claim.version) == (model.epoch, model.version)
            assert (claim.attempt, claim.lost) == (model.attempt + 1, model.lost)
            model.holder = claim
            self._become(model, "claim", "running")
            self.claims.append((number, claim))

    @rule(which=st.integers(0, 99))
    def checkpoint(self, which: int) -> None:
        number, claim, model = self._any_claim(which)
        if claim is None or model is None:
            return
        output = f"{claim.epoch}:{claim.position}"
        before = self._committed(number, claim)
        settled = self.bench.finish(claim, output)
        held = model.holder == claim
        assert settled.won == (held or before)
        if not held:
            return
        model.outputs["abc"[model.position]] = output
        model.position, model.attempt, model.lost = model.position + 1, 0, 0
        model.snapshot()
        verb = "checkpoint_pausing" if model.status == "pausing" else "checkpoint"
        if model.position == STEPS:
            model.holder = None
            self._become(model, verb, "completed")
        else:
            old = model.status
            model.release()
            self._became(verb, old, model.status)

    @rule(which=st.integers(0, 99), final=st.booleans())
    def fail(self, which: int, *, final: bool) -> None:
        number, claim, model = self._any_claim(which)
        if claim is None or model is None:
            return
        held = model.holder == claim
        error = f"{claim.claim_id} failed"
        before = any(run.error_message == error for run in self.bench.rows(runs, self.quest_ids[number]))
        settled = self.bench.journal.fail(failure(claim, error, retry_in=None if final else 0.0))
        assert settled.won == (held or before)
        if held and final:
            self._fail(model)
        elif held:
            model.attempt += 1
            self._let_go(model)

    @rule(which=st.integers(0, 99))
    def release(self, which: int) -> None:
        _, claim, model = self._any_claim(which)
        if claim is None or model is None:
            return
        assert self.bench.journal.release(claim).won == (model.holder == claim)
        if model.holder == claim:
            self._let_go(model)

    @rule(worker=WORKERS)
    def sweep(self, worker: int) -> None:
        """A worker dies, its claims are freed, and another takes its place."""
        dead = self.workers[worker].worker_id
        self.bench.register.leave(dead)
        swept = self.bench.recovery.sweep()
        freed = [model for model in self.models if model.holder is not None and model.holder.worker_id == dead]
        assert swept.freed == len(freed)
        for model in freed:
            if model.lost == 2:
                self._fail(model)
            else:
                model.lost += 1
                self._let_go(model)
        self.workers[worker] = self.bench.worker(process_id=str(worker), lease=1_000 * LONG)

    @rule(number=QUESTS)
    def pause(self, number: int) -> None:
        model = self.models[number]
        if model.status in {"pausing", "paused"}:
            assert not self.bench.controls.pause(self.quest_ids[number]).changed
        elif self._allowed("pause", number):
            reported = self.bench.controls.pause(self.quest_ids[number]).status
            self._become(model, "pause", "pausing" if model.holder else "paused")
            assert reported == model.status
            if model.status == "paused":
                model.snapshot()

    @rule(number=QUESTS)
    def resume(self, number: int) -> None:
        model = self.models[number]
        if self._allowed("resume", number):
            started = self.bench.repository.load_quest(self.quest_ids[number]).start_time is not None
            self.bench.controls.resume(self.quest_ids[number])
            self._become(model, "resume", "running" if started else "new")

    @rule(number=QUESTS)
    def cancel(self, number: int) -> None:
        model = self.models[number]
        if model.status == "cancelled":
            assert not self.bench.controls.cancel(self.quest_ids[number]).changed
        elif self._allowed("cancel", number):
            self.bench.controls.cancel(self.quest_ids[number])
            model.holder = None
            self._become(model, "cancel", "cancelled")

    @rule(number=QUESTS)
    def retry(self, number: int) -> None:
        model = self.models[number]
        if self._allowed("retry", number):
            self.frozen.pop(self.quest_ids[number], None)
            self.bench.controls.retry(self.quest_ids[number])
            model.attempt = model.lost = 0
            self._become(model, "retry", "running")

    @rule(number=QUESTS, which=st.integers(0, 99))
    def replay(self, number: int, which: int) -> None:
        model = self.models[number]
        version = which % len(model.history)
        position, outputs = model.history[version]
        if position == STEPS:
            with pytest.raises(QuestConflict):
                self.bench.replay(self.quest_ids[number], f"v{version}")
            return
        self.frozen.pop(self.quest_ids[number], None)
        self.bench.replay(self.quest_ids[number], f"v{version}")
        model.position, model.outputs, model.holder = position, dict(outputs), None
        model.attempt = model.lost = 0
        model.epoch += 1
        model.snapshot()
        self._become(model, "replay", "running")

    @rule(seconds=st.floats(0.1, LONG))
    def redispatch(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)
        self.bench.recovery.ring_all()
        rung = {bell.quest_id for bell in self.bench.recovery.due()}
        assert rung == {one for one, model in zip(self.quest_ids, self.models, strict=True) if model.claimable}

    @invariant()
    def i2_i3_i4_hold(self) -> None:
        self.bench.check()

    @invariant()
    def i5_fences_rise(self) -> None:
        for quest_id in self.quest_ids:
            for ticket in self.bench.rows(tickets, quest_id):
                assert ticket.fence >= self.fences.get(quest_id, 0)
                self.fences[quest_id] = ticket.fence

    @invariant()
    def i7_an_ended_quest_does_not_change(self) -> None:
        for quest_id, model in zip(self.quest_ids, self.models, strict=True):
            if model.status in TERMINAL:
                rows = self.bench.everything(quest_id)
                assert self.frozen.setdefault(quest_id, rows) == rows
            else:
                self.frozen.pop(quest_id, None)

    @invariant()
    def i8_nothing_runs_while_paused(self) -> None:
        for quest_id, model in zip(self.quest_ids, self.models, strict=True):
            if model.status == "paused":
                assert self.bench.ticket(quest_id).state == TicketState.HELD

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        for quest_id, model in zip(self.quest_ids, self.models, strict=True):
            found = self.bench.repository.load_quest(quest_id)
            assert (found.status, found.epoch, found.version) == (model.status, model.epoch, model.version)
            assert (found.run_data, found.progress["completed"]) == (model.outputs, model.position)
            assert len(found.execution_stack) == STEPS - model.position

    # Parts of rules

    def _any_claim(self, which: int) -> tuple[int, Claim | None, Model | None]:
        """Return any claim there ever was, also one that is over."""
        if not self.claims:
            return 0, None, None
        number, claim = self.claims[-1 - which % len(self.claims)]
        return number, claim, self.models[number]

    def _committed(self, number: int, claim: Claim) -> bool:
        rows = self.bench.rows(runs, self.quest_ids[number])
        return any(run.claim_id == claim.claim_id and run.status == "success" for run in rows)

    def _allowed(self, verb: str, number: int) -> bool:
        """Return whether the table allows `verb` now; if not, assert that the store refuses it."""
        if self.models[number].status in TRANSITIONS[verb].sources:
            return True
        with pytest.raises(QuestConflict):
            getattr(self.bench.controls, verb)(self.quest_ids[number])
        return False

    def _fail(self, model: Model) -> None:
        model.holder = None
        model.snapshot()
        self._become(model, "fail_pausing" if model.status == "pausing" else "fail", "failed")

    def _let_go(self, model: Model) -> None:
        old = model.status
        model.release()
        self._became("fail_pausing" if old == "pausing" else "fail", old, model.status)

    def _become(self, model: Model, verb: str, status: str) -> None:
        self._became(verb, model.status, status)
        model.status = status

    @staticmethod
    def _became(verb: str, old: str, new: str) -> None:
        """Assert that the one table of transitions allows what happened."""
        assert ExecutionStatus(old) in TRANSITIONS[verb].sources
        assert ExecutionStatus(new) in TRANSITIONS[verb].targets


JournalStates.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_every_history_keeps_the_protocol = JournalStates.TestCase


def test_the_model_is_told_apart_from_a_broken_store() -> None:
    """A journal that forgets its guard is caught by a handful of steps: the machine is no idle wheel."""
    machine = JournalStates()
    machine.submit()
    machine.claim(0, 0)
    machine.bench.execute("UPDATE quest_executions SET status = 'paused'")

    with pytest.raises(AssertionError):
        machine.the_store_is_as_the_model_says()
    machine.teardown()
