"""Random histories of a quest on the real journal, on both stores, with the exhaustively explored model as oracle.

Whatever may happen in the model's world is tried on the store, mostly what changes something; after each rule both must
hold the same, and the rows themselves must keep what always holds (docs/project/protocol.md, "Invariants").
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from questline_persistence.dialects.sqlite import steps as sqlite_steps
from questline_persistence.journal import history
from questline_persistence.recovery import freeing
from questline_persistence.states import TERMINAL, ExecutionStatus
from tests.contract.quests import Workbench
from tests.failpoints.invariants import broken_rows
from tests.model.actions import actions
from tests.model.invariants import broken
from tests.model.protocol import Protocol
from tests.model.world import Action
from tests.property.real_store import RULES, RealStore
from tests.property.record import lasting, outputs

#: Rules in one history. What comes after, to see that the quest can end, is more.
LENGTH = 30
#: Histories on each store.
HISTORIES = {"sqlite": 60, "postgresql": 60}
#: How often a verb is chosen rather than another, 1 where none is given: more what leads on or can win in a race only.
WEIGHTS = {"claim": 20, "redispatch": 16, "checkpoint": 12, "due": 12, "fail": 12, "late": 8, "resume": 6, "retry": 24}
WEIGHTS |= {"look": 16, "sweep": 40, "release": 6, "stray": 6, "renew": 6, "pause": 2, "replay": 4}
WEIGHTS |= {"enter": 3, "drop": 2, "lapse": 2}
#: What happens of itself once nothing goes wrong any more, what helps most first, and the longest way to an end by it.
REPAIRS = ("checkpoint", "fail", "sweep", "claim", "due", "redispatch", "look", "lapse", "enter", "late", "drop")
LONGEST_END = 60


class JournalStates(RuleBasedStateMachine):
    """The one rule does one thing in the model and in the store, and asks the invariants of both."""

    def __init__(self, bench: Workbench, taken: Counter[tuple[str, bool]]) -> None:
        super().__init__()
        self.taken, self.protocol, self.store = taken, Protocol(RULES), RealStore(bench)
        self.world = self.past = self.protocol.start()
        self.record = self.before = self.beginning = self.store.record()

    def offered(self) -> st.SearchStrategy[Action]:
        """Return a strategy of what may happen now: mostly what changes something, if only for who loses."""
        every = list(actions(self.world, RULES))
        moving = _weighed(action for action in every if self._moves(action))
        return st.one_of(moving, moving, _weighed(every))

    def _moves(self, action: Action) -> bool:
        return self.protocol.step(self.world, action).world != self.world

    @rule(action=st.runner().flatmap(lambda machine: machine.offered()))
    def happens(self, action: Action) -> None:
        step = self.protocol.step(self.world, action)
        won = self.store.perform(self.world, action, step)
        assert won in {None, step.won}, f"{action}: the store says {won}, the model {step.won}"
        assert broken(self.world, action, step) is None
        self.taken[action.verb, step.won] += 1
        self.taken["hand over", step.begun is not None] += action.next_claim
        self.past, self.before = self.world, self.record
        self.world, self.record = step.world, self.store.record()
        self.ask_the_invariants()

    def ask_the_invariants(self) -> None:
        """Ask each; not as Hypothesis's own invariants, which would fill its traces with their names."""
        self.the_store_is_as_the_model_says()
        self.i1_history_is_only_added_to()
        self.i2_to_i9_and_i11_hold_of_the_rows()
        self.i7_and_i8_what_changes_nothing_writes_nothing()
        self.i9_the_state_is_the_fold_of_the_results()
        self.i11_nobody_else_is_touched()

    def the_store_is_as_the_model_says(self) -> None:
        assert self.record.told() == self.record.foretold(self.world, self.store.ids)

    def i1_history_is_only_added_to(self) -> None:
        for table in ("lord_runs", "quest_snapshots", "quest_steps"):
            assert set(self.before.rows[table]) <= set(self.record.rows[table])

    def i2_to_i9_and_i11_hold_of_the_rows(self) -> None:
        if self.record.rows != self.before.rows:
            found = self.store.database.read(broken_rows)
            assert not found, found

    def i7_and_i8_what_changes_nothing_writes_nothing(self) -> None:
        """Nor does what comes to an ended or a paused quest, as in the model nothing changes then."""
        if self.world == self.past:
            for table in self.record.rows.keys() - {"workers"}:
                assert lasting(self.record.mine(table)) == lasting(self.before.mine(table))

    def i9_the_state_is_the_fold_of_the_results(self) -> None:
        if self.world.version != self.past.version:
            state = self.store.database.read(lambda connection: history.state_at(connection, self.store.quest_id))
            newest = self.world.snapshots[-1].position or RULES.steps + 1
            assert (state.run_data, len(state.stack)) == (outputs(self.world), RULES.steps - newest + 1)

    def i11_nobody_else_is_touched(self) -> None:
        assert self.record.others == self.beginning.others

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:
            self._i10_it_comes_to_an_end()

    def _i10_it_comes_to_an_end(self) -> None:
        """Whatever has happened, the quest ends or rests by what the workers and the loops do of themselves."""
        for _ in range(LONGEST_END):
            if self.world.status in {None, ExecutionStatus.PAUSED, *TERMINAL}:
                break
            self.happens(self._repair())
        else:
            raise AssertionError(f"stuck after {LONGEST_END} steps: {self.world}")

    def _repair(self) -> Action:
        """Return the first thing that helps and costs no fault."""
        helps = [
            action
            for action in actions(self.world, RULES)
            if action.verb in REPAIRS
            and self._moves(action)
            and self.protocol.step(self.world, action).world.faults == self.world.faults
        ]
        assert helps, f"nothing helps: {self.world}"
        return min(helps, key=lambda action: REPAIRS.index(action.verb))


def _weighed(possible: Iterable[Action]) -> st.SearchStrategy[Action]:
    """Return a strategy that chooses a verb by its weight, then one of its actions."""
    by_verb: dict[str, list[Action]] = {}
    for action in possible:
        by_verb.setdefault(action.verb, []).append(action)
    # Hypothesis prefers what stands first, and shrinks towards it.
    heaviest_first = sorted(by_verb, key=lambda verb: -WEIGHTS.get(verb, 1))
    verbs = [verb for verb in heaviest_first for _ in range(WEIGHTS.get(verb, 1))]
    return st.sampled_from(verbs).flatmap(lambda verb: st.sampled_from(by_verb[verb])) if verbs else st.nothing()


def explore(bench: Workbench, **options: Any) -> Counter[tuple[str, bool]]:
    """Take the machine through many histories; return how often each verb won and lost."""
    taken: Counter[tuple[str, bool]] = Counter()
    common = {
        "max_examples": HISTORIES[bench.database.dialect.name],
        "stateful_step_count": LENGTH,
        "deadline": None,
        "report_multiple_bugs": False,
        "suppress_health_check": list(HealthCheck),
        "phases": [Phase.reuse, Phase.generate, Phase.shrink],  # explaining would trace every line: too slow here
    }
    machine: Any = lambda: JournalStates(bench, taken)  # noqa: E731  (annotated as a class, documented as any factory)
    run_state_machine_as_test(machine, settings=settings(**(common | options)))
    return taken


@pytest.fixture(autouse=True)
def _longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to wait waits for long enough that the tolerance of clocks does not make it due."""
    monkeypatch.setattr(freeing.random, "uniform", lambda _, high: high)


@pytest.mark.timeout(400)  # only to make a failure short, for which Hypothesis takes five minutes at the most
def test_every_history_is_as_the_model_says(bench: Workbench) -> None:
    taken = explore(bench)
    assert {"claim", "checkpoint", "hand over", "fail", "sweep", "pause", "resume", "replay"} <= {
        verb for verb, won in taken if won
    }
    assert {"claim", "hand over", "resume", "retry"} <= {verb for verb, won in taken if not won}


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("_CLAIM", "state || '' = 'ready'"),
        ("_CLAIM", "position = :position"),
        ("_MOVE", "claim_id = :claim_id"),
    ],
)
def test_a_store_that_lacks_a_guard_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, memory: Workbench, name: str, condition: str
) -> None:
    statement = getattr(sqlite_steps, name)
    assert condition in statement
    monkeypatch.setattr(sqlite_steps, name, statement.replace(condition, "TRUE"))

    with pytest.raises((AssertionError, IntegrityError)):
        explore(memory, max_examples=1_000, phases=[Phase.generate], derandomize=True, database=None)
