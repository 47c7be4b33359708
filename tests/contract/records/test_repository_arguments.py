"""Wrong arguments are told in a sentence that names the fix, and leave nothing behind."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from questline_persistence.errors import PayloadError, QuestlineError
from questline_persistence.records import QuestFilter, QuestRepository
from tests.contract.quests import Workbench, quest

#: Something of every type that callers have at hand.
ANYTHING: tuple[Any, ...] = (
    *(5, -1, 5.5, float("nan"), True, 10**30, b"text", "no such thing", "half \ud83d"),
    *([1], {"a": 1}, {1: "a"}, {1, 2}, object(), datetime(2026, 11, 21, tzinfo=UTC)),
)

#: The calls of a repository, each with one argument open.
CALLS: dict[str, Callable[[QuestRepository, Any], object]] = {
    "save_quest": lambda records, it: records.save_quest(it),
    "load_quest": lambda records, it: records.load_quest(it),
    "status": lambda records, it: records.status(it),
    "glance": lambda records, it: records.glance(it),
    "tickets": lambda records, it: records.tickets(it),
    "delete_quest": lambda records, it: records.delete_quest(it),
    "full_id": lambda records, it: records.full_id(it),
    "prune end_time": lambda records, it: records.prune(it, "completed"),
    "prune status": lambda records, it: records.prune(0.0, it),
    "prune limit": lambda records, it: records.prune(0.0, "completed", limit=it),
    "ended_before end_time": lambda records, it: records.lists.ended_before(it, "completed"),
    "ended_before status": lambda records, it: records.lists.ended_before(0.0, it),
    "ended_before limit": lambda records, it: records.lists.ended_before(0.0, "completed", limit=it),
    "page chosen": lambda records, it: records.page(it),
    "page limit": lambda records, it: records.page(limit=it),
    "page offset": lambda records, it: records.page(offset=it),
    "page cursor": lambda records, it: records.page(cursor=it),
    "matching chosen": lambda records, it: records.lists.matching(it),
    "matching limit": lambda records, it: records.lists.matching(QuestFilter(), limit=it),
    **{
        f"list_quests {name}": lambda records, it, name=name: records.list_quests(**{name: it})
        for name in ("status", "quest_type", "labels", "since", "until", "queue", "error", "limit", "offset")
    },
    **{
        f"save_lord_run {name}": lambda records, it, name=name: records.save_lord_run(
            **{"quest_id": "own", "lord_name": "a", "tool_name": "b", name: it}
        )
        for name in (
            *("quest_id", "lord_name", "tool_name", "run_index", "status", "start_time", "end_time"),
            *("error_message", "attempt_number", "max_attempts"),
        )
    },
    **{
        f"save_snapshot {name}": lambda records, it, name=name: records.save_snapshot(**{"quest_id": "own", name: it})
        for name in ("quest_id", "execution_stack", "snapshot_reason")
    },
    "load_latest_snapshot": lambda records, it: records.load_latest_snapshot(it),
    "load_snapshot": lambda records, it: records.load_snapshot("own", it),
    "runs quest_id": lambda records, it: records.runs(it),
    "runs limit": lambda records, it: records.runs("own", limit=it),
    "runs after": lambda records, it: records.runs("own", after=it),
    "snapshots quest_id": lambda records, it: records.snapshots(it),
    "snapshots limit": lambda records, it: records.snapshots("own", limit=it),
    "snapshots after": lambda records, it: records.snapshots("own", after=it),
    "get_lord_stats": lambda records, it: records.get_lord_stats(it),
    "namespace": lambda records, it: QuestRepository(records.database, namespace=it),
}


@pytest.fixture
def records(bench: Workbench) -> QuestRepository:
    bench.repository.save_quest(quest("a", "b", quest_id="own"))
    return bench.repository


def test_whatever_is_given_is_taken_or_refused_in_our_own_words(records: QuestRepository) -> None:
    """What is no QuestlineError fails the test, with its traceback."""
    for name, call in CALLS.items():
        refused = 0
        for anything in ANYTHING:
            try:
                call(records, anything)
            except QuestlineError:
                refused += 1
        assert refused > len(ANYTHING) // 2, name


@pytest.mark.parametrize("run_data", [[1], "text", 5, {1: "a"}])
def test_a_snapshot_of_outputs_that_are_none_is_refused_and_leaves_the_quest_readable(
    records: QuestRepository, run_data: Any
) -> None:
    before = records.load_latest_snapshot("own")

    with pytest.raises(PayloadError, match="run_data is"):
        records.save_snapshot("own", run_data=run_data)

    assert records.load_latest_snapshot("own") == before


def test_the_steps_of_a_snapshot_may_be_named_in_one_word(records: QuestRepository) -> None:
    records.save_snapshot("own", execution_stack=["a:b"])

    assert [step.handler for step in records.load_snapshot("own").execution_stack] == ["a:b"]


def test_a_filter_takes_one_status_or_several_and_refuses_others(bench: Workbench) -> None:
    bench.fail(bench.submit("a", quest_id="broken"))

    for status in ("failed", ("failed",), ["failed", "new"]):
        assert [quest.quest_id for quest in bench.repository.page(QuestFilter(status)).items] == ["broken"]
    with pytest.raises(PayloadError, match="'fialed' is not a status") as refused:
        QuestFilter(("fialed",))
    assert refused.value.hint == "did you mean 'failed'?"
    with pytest.raises(PayloadError, match="'statu' is not a filter") as refused:
        QuestFilter(statu="failed")  # type: ignore[arg-type]  # a mistake
    assert refused.value.hint == "did you mean 'status'?"


def test_quests_that_ended_are_found_by_one_status_or_several(bench: Workbench) -> None:
    bench.fail(bench.submit("a", quest_id="broken"))

    assert bench.repository.lists.ended_before(bench.clock.now() + 1e6, "failed") == ["broken"]
    with pytest.raises(PayloadError, match="end_time is no moment: '30d'"):
        bench.repository.prune("30d", "failed")
    assert bench.repository.prune(bench.clock.now() + 1e6, "failed") == ["broken"]


def test_a_moment_may_be_given_in_several_forms(bench: Workbench) -> None:
    bench.submit("a", quest_id="one")
    made = bench.clock.now()

    for since in (made, datetime.fromtimestamp(made, UTC), datetime.fromtimestamp(made, UTC).isoformat()):
        assert QuestFilter(since=since).since == pytest.approx(made, abs=1e-5)
    assert bench.repository.list_quests(until=datetime(2020, 1, 1, tzinfo=UTC)) == []
    with pytest.raises(PayloadError, match="since is no moment: '2h'") as refused:
        bench.repository.list_quests(since="2h")
    assert "timedelta(hours=2)" in str(refused.value.hint)
