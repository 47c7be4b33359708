import pytest

from questline_persistence.claims import Dropped, Failed, GivenBack, Outcome, Snoozed, Succeeded
from questline_persistence.states import ExecutionStatus
from questline_scheduler.monitoring import Tally
from questline_worker.lords import AllHooks
from questline_worker.step_counts import StepCounts
from tests.unit.worker.conftest import MakeClaim


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Succeeded("1"), "success"),
        (Failed("dry", None), "failed"),
        (Failed("dry", 1.0), "retried"),
        (Snoozed(5.0), "snoozed"),
        (GivenBack(), "returned"),
        (Dropped(), "dropped"),
    ],
)
def test_a_step_is_counted_by_how_it_ended(make_claim: MakeClaim, outcome: Outcome, word: str) -> None:
    tally = Tally()
    hooks = AllHooks([StepCounts(tally)])
    claim = make_claim()

    hooks.step_started(claim)
    hooks.step_ended(claim, outcome)
    hooks.step_settled(claim, 0.25)
    hooks.quest_changed(claim, ExecutionStatus.COMPLETED)

    found = {(sample.metric.name, *sample.labels): sample.numbers for sample in tally.samples()}
    assert found["quest_steps_total", "a", "work", word] == (1,)
    assert sum(found["quest_step_duration_seconds", "a", "work"][:-1]) == 1
    assert found["quest_checkpoint_seconds",][-1] == 0.25
    assert found["quest_quests_total", "test", "completed"] == (1,)
    assert (("quest_step_retries_total", "a", "work") in found) == (word == "retried")
