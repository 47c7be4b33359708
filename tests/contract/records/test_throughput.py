"""How many quests ended over time: counted by the part of the span, through an index, and no further than so many."""

import pytest

from questline_persistence.records import Span, Throughput, throughput, throughput_of
from tests.contract.quests import Workbench
from tests.integration.persistence.looks import Observer


def told(bench: Workbench, span: Span = Span.HOUR) -> Throughput:
    return throughput_of(bench.database, bench.namespace, span, bench.clock.now())


def test_what_ended_is_told_by_the_minute_with_how_much_of_it_failed(bench: Workbench) -> None:
    for ending in ("completed", "failed"):
        bench.end(ending)
    bench.end("cancelled")
    bench.clock.advance(120)
    for _ in range(2):
        bench.end("completed")
    found = told(bench)

    ended = [(bucket.completed, bucket.failed) for bucket in found.buckets]
    assert (len(ended), ended[-3], ended[-1]) == (60, (1, 1), (2, 0))
    assert sum(one + other for one, other in ended) == 4
    assert (found.completed, found.failed, found.failure_rate) == (3, 1, 25.0)
    assert found.p50_seconds is not None
    assert found.to_json()["buckets"][-1]["completed"] == 2


def test_a_day_is_told_by_the_hour_and_forgets_what_was_before(bench: Workbench) -> None:
    bench.end("completed")
    bench.clock.advance(3_600)
    bench.end("failed")
    day = told(bench, Span.DAY)
    bench.clock.advance(86_400)
    later = told(bench, Span.DAY)

    assert [(one.completed, one.failed) for one in day.buckets][-2:] == [(1, 0), (0, 1)]
    assert (later.completed, later.failed, later.failure_rate, later.p50_seconds) == (0, 0, None, None)


def test_it_goes_by_the_index_and_counts_no_further_than_it_may(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "MAX_ENDED", 2)
    for _ in range(3):
        bench.end("completed")
    with Observer(bench.database).looking() as looks:
        found = told(bench)

    assert (found.completed, found.capped) == (2, True)
    ways = set().union(*(look.ways for look in looks if " quest_executions" in look.statement))
    assert ways == {"ix_quest_executions_updated"}
