import os
from collections.abc import Iterator

import pytest

from questline_scheduler.monitoring import STEPS, Tally
from questline_worker import reports as module
from questline_worker.reports import Reporter, Reports
from tests.waiting import eventually


@pytest.fixture
def ends() -> Iterator[tuple[Reports, int]]:
    """Both ends of a pipe: that of the supervisor, and what the child writes into."""
    reader, writer = os.pipe()
    yield Reports(reader), writer
    os.close(reader)
    os.close(writer)


def steps(tally: Tally) -> float:
    return sum(sample.numbers[0] for sample in tally.samples() if sample.metric is STEPS)


def test_a_supervisor_hears_that_a_process_runs_and_later_what_it_counted(ends: tuple[Reports, int]) -> None:
    reports, pipe = ends
    own, pool = Tally(), Tally()
    reports.pass_on(pool)
    assert not reports.heard
    reporter = Reporter(pipe, own)
    reporter.start()
    eventually(lambda: (reports.pass_on(pool), reports.heard)[1])
    own.count(STEPS, "a", "work", "success", by=5)
    reporter.stop()  # which reports what is left
    reports.pass_on(pool)
    assert steps(pool) == 5


def test_a_report_that_came_in_pieces_counts_once_and_one_that_never_ended_not_at_all(
    ends: tuple[Reports, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_READ", 1)
    reports, pipe = ends
    own, pool = Tally(), Tally()
    own.count(STEPS, "a", "work", "success", by=2)
    line = f"{own.take()}\n".encode()
    os.write(pipe, line[:9])
    reports.pass_on(pool)
    assert steps(pool) == 0
    os.write(pipe, line[9:] + line[:-3])  # the second was cut off: its process has died
    for _ in range(3):
        reports.pass_on(pool)
    assert steps(pool) == 2


def test_a_supervisor_that_takes_nothing_holds_no_process_up(
    ends: tuple[Reports, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_SECONDS", 0.01)
    reports, pipe = ends
    own = Tally()
    for number in range(200):
        own.count(STEPS, "lord" * 200 + str(number), "work", "success")
    reporter = Reporter(pipe, own)
    reporter.start()
    reporter.stop()
    assert reporter._thread.is_alive(), "the pipe is full"
    eventually(lambda: (reports.pass_on(Tally()), not reporter._thread.is_alive())[1])
