import threading

import pytest

from questline_scheduler.monitoring import CHECKPOINT_SECONDS, OTHER, RECOVERED, RETRIES, STEP_SECONDS, STEPS, Tally
from questline_scheduler.monitoring.metrics import MAX_NAMES


def counted(tally: Tally) -> dict[tuple[str, ...], tuple[float, ...]]:
    return {(sample.metric.name, *sample.labels): sample.numbers for sample in tally.samples()}


def test_what_happened_is_counted_by_its_labels() -> None:
    tally = Tally()
    for outcome in ("success", "success", "failed"):
        tally.count(STEPS, "a", "work", outcome)
    tally.count(RETRIES, "b", "work", by=3)
    found = counted(tally)
    assert found["quest_steps_total", "a", "work", "success"] == (2,)
    assert found["quest_steps_total", "a", "work", "failed"] == (1,)
    assert found["quest_step_retries_total", "b", "work"] == (3,)


def test_a_length_of_time_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    tally = Tally()
    first = STEP_SECONDS.buckets[0]
    for seconds in (first, first * 1.01, 1e9):
        tally.observe(STEP_SECONDS, seconds, "a", "work")
    *buckets, total = counted(tally)["quest_step_duration_seconds", "a", "work"]
    assert (buckets[0], buckets[1], buckets[-1]) == (1, 1, 1)
    assert sum(buckets) == 3
    assert total == pytest.approx(1e9, rel=1e-6)


def test_what_never_happened_is_shown_as_zero_where_there_are_no_labels() -> None:
    found = counted(Tally())
    assert found["quest_recovered_total",] == (0,)
    assert sum(found["quest_checkpoint_seconds",]) == 0


def test_nothing_is_shown_of_what_happened_no_time() -> None:
    tally = Tally()
    tally.count(STEPS, "a", "work", "success", by=0)
    assert ("quest_steps_total", "a", "work", "success") not in counted(tally)
    assert tally.take() == "[]"


def test_names_beyond_a_limit_are_counted_together() -> None:
    tally = Tally()
    for number in range(MAX_NAMES + 10):
        tally.count(STEPS, f"lord-{number}", "work", "success")
        tally.observe(STEP_SECONDS, 1.0, f"lord-{number}", "work")
    found = counted(tally)
    assert found["quest_steps_total", OTHER, OTHER, "success"] == (10,)
    assert sum(found["quest_step_duration_seconds", OTHER, OTHER][:-1]) == 10
    assert len([key for key in found if key[0] == "quest_steps_total"]) == MAX_NAMES + 1


def test_the_counts_of_several_processes_add_up_also_while_they_count_on() -> None:
    pool, children = Tally(), [Tally(), Tally()]
    for _ in range(3):
        for child in children:
            child.count(STEPS, "a", "work", "success")
            child.observe(CHECKPOINT_SECONDS, 0.5)
            pool.add(child.take())
    pool.count(RECOVERED)
    found = counted(pool)
    assert found["quest_steps_total", "a", "work", "success"] == (6,)
    assert found["quest_checkpoint_seconds",][-1] == pytest.approx(3.0)
    assert found["quest_recovered_total",] == (1,)
    assert children[0].take() == "[]", "what was taken is not taken twice"


def test_many_threads_lose_no_count() -> None:
    tally = Tally()

    def count() -> None:
        for _ in range(2_000):
            tally.count(STEPS, "a", "work", "success")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(tally)["quest_steps_total", "a", "work", "success"] == (8_000,)
