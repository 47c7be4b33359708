"""No attempt and no quest ends before it began, whoever ends it and by whatever idea of the time."""

from dataclasses import replace

import pytest

from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from tests.contract.quests import LONG, Workbench, checkpoint, failure, quest


def test_an_attempt_is_not_recorded_before_it_ended(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    journal = bench.worker()
    held = bench.claim(quest_id, journal=journal)
    bench.clock.advance(-LONG)  # the database's clock was set back
    journal.checkpoint(checkpoint(held))
    journal.fail(failure(bench.claim(quest_id, journal=journal), retry_in=None))

    for run in bench.repository.runs(quest_id):
        assert run.end_time is not None
        assert run.duration_seconds == pytest.approx(1.0)
        assert run.created_at >= rfc3339(run.end_time)


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_quest_does_not_end_before_it_began(bench: Workbench, end: str) -> None:
    quest_id = bench.submit("a")
    journal = bench.worker()
    held = bench.claim(quest_id, journal=journal)
    bench.clock.advance(-0.2)  # another process's idea of the time
    match end:
        case "complete":
            journal.checkpoint(checkpoint(held))
        case "fail":
            journal.fail(failure(held, retry_in=None))
        case _:
            bench.controls.cancel(quest_id)

    ended = bench.repository.load_quest(quest_id)
    assert (ended.start_time, ended.end_time, ended.duration_seconds) == (held.start_time, held.start_time, 0.0)


def test_an_attempt_whose_worker_was_lost_does_not_end_before_it_began(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    held = bench.claim(quest_id)
    bench.register.declare_dead("process")
    bench.clock.advance(-0.2)  # who sweeps has another idea of the time
    assert bench.sweep.run().freed == 1

    (run,) = bench.repository.runs(quest_id)
    assert (run.start_time, run.end_time, run.duration_seconds) == (held.start_time, held.start_time, 0.0)
    assert run.created_at >= rfc3339(run.start_time)


def test_the_end_of_an_attempt_is_told_by_what_has_passed_since_its_claim(bench: Workbench) -> None:
    held = bench.claim(bench.submit("a"))
    bench.clock.advance(-LONG)
    assert held.start_time <= held.time() < held.start_time + LONG
    assert replace(held, began=held.began - 7.0).time() >= held.start_time + 7.0


def test_times_that_a_program_gives_in_the_wrong_order_are_refused(bench: Workbench) -> None:
    own = quest("a", quest_id="own")
    bench.repository.save_quest(own)
    with pytest.raises(PayloadError, match=r"end_time .* is before start_time 2"):
        bench.repository.save_lord_run("own", "a", "work", start_time=2.0, end_time=1.0)
    with pytest.raises(PayloadError, match=r"end_time .* is before start_time 2"):
        bench.repository.save_quest(own.model_copy(update={"start_time": 2.0, "end_time": 1.0}))
