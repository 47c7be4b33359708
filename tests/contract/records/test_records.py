from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import PayloadError, QuestNotFound
from questline_persistence.payload import CLEAR
from questline_persistence.records import QuestFilter, QuestSort, statistics
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, failure


def ids(bench: Workbench, **filters: object) -> list[str]:
    return [one.quest_id for one in bench.repository.list_quests(**filters)]  # type: ignore[arg-type]


def submit_apart(bench: Workbench, number: int, **fields: object) -> list[str]:
    """Submit quests a second apart and return their ids, newest first."""
    found = []
    for _ in range(number):
        bench.clock.advance(1)
        found.insert(0, bench.submit("a", **fields))
    return found


def test_quests_are_listed_newest_first_without_what_grows_with_them(bench: Workbench) -> None:
    quest_ids = submit_apart(bench, 3)
    bench.advance(quest_ids[1], 1)
    found = bench.repository.list_quests()

    assert [one.quest_id for one in found] == quest_ids
    assert (found[1].status, found[1].output_data, found[1].version) == ("completed", 1, 1)
    assert (found[1].run_data, found[1].steps, found[1].execution_stack) == ({}, [], [])
    assert [one.progress for one in found] == [
        {"completed": 0, "remaining": 1},
        {"completed": 1, "remaining": 0},
        {"completed": 0, "remaining": 1},
    ]


def test_an_empty_store_lists_nothing(bench: Workbench) -> None:
    page = bench.repository.page()

    assert (page.items, page.next_cursor) == ([], None)


def test_pages_by_offset_and_by_cursor_are_the_same(bench: Workbench) -> None:
    quest_ids = submit_apart(bench, 3)
    quest_ids = sorted((bench.submit("a") for _ in range(4)), reverse=True) + quest_ids  # of one moment
    bench.clock.advance(1)
    cursor, walked = None, []
    while True:
        page = bench.repository.page(limit=2, cursor=cursor)
        walked.append([one.quest_id for one in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break

    flat = [one for part in walked for one in part]
    assert sorted(flat) == sorted(quest_ids)
    assert [len(part) for part in walked] == [2, 2, 2, 1]
    assert [ids(bench, limit=2, offset=offset) for offset in (0, 2, 4, 6)] == walked


def test_a_page_that_ends_with_the_list_has_no_next(bench: Workbench) -> None:
    submit_apart(bench, 2)

    assert bench.repository.page(limit=2).next_cursor is None
    assert bench.repository.page(limit=1).next_cursor is not None


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "bm9zcGFjZQ", "ü", "////", "1'; DROP TABLE tickets; --"])
def test_a_cursor_that_is_not_ours_is_refused(bench: Workbench, cursor: str) -> None:
    with pytest.raises(PayloadError, match="is not a cursor"):
        bench.repository.page(cursor=cursor)


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": 1_001}, {"limit": -1}, {"offset": -1}])
def test_a_limit_out_of_range_is_refused(bench: Workbench, options: dict[str, Any]) -> None:
    with pytest.raises(PayloadError, match="must be"):
        bench.repository.list_quests(**options)


def test_quests_are_filtered_by_status(bench: Workbench) -> None:
    done, failed, new = bench.end("completed"), bench.end("failed"), bench.submit("a")

    assert ids(bench, status=ExecutionStatus.COMPLETED) == [done]
    assert ids(bench, status="failed") == [failed]
    assert sorted(ids(bench, status=["new", ExecutionStatus.FAILED])) == sorted([failed, new])
    assert ids(bench, status="paused") == []


@pytest.mark.parametrize("status", ["done", "", "COMPLETED", ["new", "nope"]])
def test_an_unknown_status_is_refused(bench: Workbench, status: object) -> None:
    with pytest.raises(PayloadError, match="is not a status"):
        ids(bench, status=status)


def test_an_unknown_filter_is_refused(bench: Workbench) -> None:
    with pytest.raises(PayloadError, match="'colour' is not a filter"):
        ids(bench, colour="red")


def test_quests_are_filtered_by_type_labels_and_time(bench: Workbench) -> None:
    plain = submit_apart(bench, 1)[0]
    start = bench.clock.now()
    red = submit_apart(bench, 1, labels={"colour": "red", "a.b-c/d_e": "1"}, quest_type="other")[0]
    blue = submit_apart(bench, 1, labels={"colour": "blue"})[0]

    assert ids(bench, quest_type="other") == [red]
    assert ids(bench, labels={"colour": "red"}) == [red]
    assert ids(bench, labels={"a.b-c/d_e": "1", "colour": "red"}) == [red]
    assert ids(bench, labels={"colour": "red", "a.b-c/d_e": "2"}) == []
    assert ids(bench, since=start + 0.5) == [blue, red]
    assert ids(bench, until=start + 0.5) == [plain]
    assert ids(bench, since=start + 1, until=start + 2) == [red]
    assert bench.repository.load_quest(red).labels == {"colour": "red", "a.b-c/d_e": "1"}


@pytest.mark.parametrize("key", ["", "a b", "a'b", 'a"b', "a$b", "a;b", "a)b", "a\nb", "x" * 64, "a\0", "ä", "a\n"])
def test_absurd_68_langgraph_cve_2025_67644_a_hostile_label_key_is_refused(bench: Workbench, key: str) -> None:
    with pytest.raises(PayloadError, match="is not a label"):
        ids(bench, labels={key: "x"})


@pytest.mark.parametrize(
    "value", ["' OR 1=1 --", '" OR ""="', "%", "_", "$", "}", "\\", "ü", "'); DROP TABLE tickets; --"]
)
def test_absurd_68_langgraph_cve_2025_67644_a_hostile_label_value_is_only_a_value(bench: Workbench, value: str) -> None:
    bench.submit("a", labels={"key": "innocent"})
    hostile = bench.submit("a", labels={"key": value})

    assert ids(bench, labels={"key": value}) == [hostile]


def test_quests_that_a_filter_means_are_found_oldest_first(bench: Workbench) -> None:
    quest_ids = submit_apart(bench, 4)

    assert bench.repository.lists.matching(QuestFilter()) == quest_ids[::-1]
    assert bench.repository.lists.matching(QuestFilter(), limit=2) == quest_ids[:1:-1]
    assert bench.repository.lists.matching(QuestFilter("failed")) == []


def test_quests_that_ended_before_a_time_are_found_oldest_first(bench: Workbench) -> None:
    found = []
    for ending in ("completed", "failed", "cancelled"):
        bench.clock.advance(10)
        found.append(bench.end(ending))
    live = bench.submit("a")
    later = bench.clock.now() + 1

    assert bench.repository.lists.ended_before(later, list(ExecutionStatus)) == found
    assert bench.repository.lists.ended_before(later, [ExecutionStatus.FAILED, ExecutionStatus.NEW]) == [found[1]]
    assert bench.repository.lists.ended_before(bench.clock.now(), list(ExecutionStatus)) == found[:2]
    assert bench.repository.lists.ended_before(later, list(ExecutionStatus), limit=1) == found[:1]
    assert live not in found


def test_an_id_may_be_shortened_to_a_prefix_that_is_unique(bench: Workbench) -> None:
    for quest_id in ("alpha", "alphabet", "beta", "a~z"):
        bench.submit("a", quest_id=quest_id)

    meant = {"alpha": "alpha", "alphab": "alphabet", "b": "beta", "beta": "beta", "a~": "a~z"}
    assert {text: bench.repository.full_id(text) for text in meant} == meant


@pytest.mark.parametrize("text", ["al", "gamma", "Alpha", "%", "_eta", "~", "beta ", "'"])
def test_a_prefix_that_means_no_quest_or_several_is_told(bench: Workbench, text: str) -> None:
    for quest_id in ("alpha", "alphabet", "beta"):
        bench.submit("a", quest_id=quest_id)

    with pytest.raises(QuestNotFound, match=r"several quests|no quest"):
        bench.repository.full_id(text)


def test_last_is_the_newest_quest(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound, match="no quest yet"):
        bench.repository.full_id("@last")

    newest = submit_apart(bench, 3)[0]
    assert bench.repository.full_id("@last") == newest


def test_the_statistics_of_quests_count_each_status_and_the_durations(bench: Workbench) -> None:
    assert bench.repository.get_quest_stats()["total_quests"] == 0
    assert bench.repository.get_quest_stats()["avg_duration_seconds"] is None
    for seconds in (2.0, 4.0):
        quest_id = bench.submit("a")
        claim = bench.claim(quest_id)
        bench.clock.advance(seconds)
        bench.finish(claim, 1)
    bench.submit("a")
    bench.controls.pause(bench.submit("a"))
    bench.claim(bench.submit("a"))
    stats = bench.repository.get_quest_stats()

    counts = ("total_quests", "completed", "failed", "running", "paused", "new", "pausing", "waiting", "cancelled")
    assert [stats[key] for key in counts] == [5, 2, 0, 1, 1, 1, 0, 0, 0]
    assert [stats[f"{key}_duration_seconds"] for key in ("avg", "max", "min")] == pytest.approx([3.0, 4.0, 2.0])


def test_quests_are_chosen_by_queue_and_by_what_their_error_holds(open_bench: Callable[..., Workbench]) -> None:
    bench = open_bench(codec=CLEAR)
    bench.submit("a", quest_id="mail", queue="mail")
    bench.fail(bench.submit("a", quest_id="odd"), "it costs 100% of a_b")
    bench.fail(bench.submit("a", quest_id="even"), "it costs 1000 of acb")

    assert ids(bench, queue="mail") == ["mail"]
    assert ids(bench, error="100% of a_b") == ["odd"]
    assert sorted(ids(bench, error="it costs")) == ["even", "odd"]
    assert ids(bench, error="It costs") == []


def test_a_count_of_quests_ends_at_its_bound(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_COUNTED", 2)
    for _ in range(3):
        bench.submit("a")
    bench.end("completed")
    stats = bench.repository.get_quest_stats()

    assert (stats["new"], stats["completed"], stats["total_quests"]) == (2, 1, 3)


def test_durations_are_those_of_the_newest_quests(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_TIMED", 2)
    for seconds in (9.0, 2.0, 4.0):
        bench.clock.advance(1)
        claim = bench.claim(bench.submit("a"))
        bench.clock.advance(seconds)
        bench.finish(claim, 1)
    stats = bench.repository.get_quest_stats()

    assert [stats[f"{key}_duration_seconds"] for key in ("avg", "max", "min")] == pytest.approx([3.0, 4.0, 2.0])


def test_a_lord_s_statistics_are_those_of_its_newest_attempts(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MAX_ATTEMPTS", 2)
    bench.fail(bench.submit("a"))
    for _ in range(2):
        bench.clock.advance(1)
        bench.end("completed")
    (lord,) = bench.repository.get_lord_stats()

    assert (lord["lord_name"], lord["total_runs"], lord["success_rate"]) == ("a", 2, 100.0)


def test_the_statistics_of_lords_count_their_attempts(bench: Workbench) -> None:
    quest_ids = [bench.submit("a", "b") for _ in range(4)]
    bench.journal.fail(failure(bench.claim(quest_ids[0])))
    for quest_id in quest_ids:
        bench.advance(quest_id, 1)
    bench.fail(quest_ids[0])
    lords = {row["lord_name"]: row for row in bench.repository.get_lord_stats()}

    assert list(lords) == ["a", "b"]
    first = lords["a"]
    assert (first["tool_name"], first["total_runs"], first["successful"], first["errors"]) == ("work", 5, 4, 1)
    assert (first["success_rate"], first["avg_duration_seconds"]) == (80.0, pytest.approx(1.0))
    assert (lords["b"]["success_rate"], lords["b"]["errors"]) == (0.0, 1)
    assert bench.repository.get_lord_stats("b") == [lords["b"]]
    assert bench.repository.get_lord_stats("nobody") == []


def test_the_lords_that_live_quests_need_next_are_counted(bench: Workbench) -> None:
    for lords in (("a", "b"), ("a",), ("b",)):
        bench.submit(*lords)
    bench.end("completed")

    assert bench.repository.live_handlers() == {"a:work": 2, "b:work": 1}


def test_a_quest_that_is_not_there_is_told(bench: Workbench) -> None:
    for look in (bench.repository.load_quest, bench.repository.runs, bench.repository.snapshots):
        with pytest.raises(QuestNotFound, match="there is no quest nobody") as caught:
            look("nobody")
        assert caught.value.hint


def test_a_quest_is_json_with_its_progress(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"n": 2**70})
    bench.advance(quest_id, {"big": 2**70})
    found = bench.repository.load_quest(quest_id).to_json()

    assert found["progress"] == {"completed": 1, "remaining": 1}
    assert (found["input_data"], found["run_data"]) == ({"n": 2**70}, {"a": {"big": 2**70}})
    assert found["created_at"].endswith("Z")


@pytest.mark.parametrize("text", ["", "\udcff", "é"])
def test_no_id_means_no_quest_even_when_there_is_only_one(bench: Workbench, text: str) -> None:
    bench.submit("a")

    with pytest.raises(QuestNotFound):
        bench.repository.full_id(text)


def test_living_workers_are_listed_before_any_number_of_ended_ones(bench: Workbench) -> None:
    alive = bench.worker(lease=LONG)
    for number in range(501):
        bench.worker(process_id=str(number))
        bench.register.declare_dead(str(number))

    assert bench.register.all()[0].worker_id == alive.worker_id


def test_a_list_goes_in_the_order_that_is_asked_for(bench: Workbench) -> None:
    newest, middle, oldest = submit_apart(bench, 3)
    bench.clock.advance(1)
    bench.controls.pause(middle)
    bench.clock.advance(1)
    bench.advance(oldest, 1)

    assert ids(bench, sort="newest") == [newest, middle, oldest]
    assert ids(bench, sort="oldest") == [oldest, middle, newest]
    assert ids(bench, sort="updated") == [oldest, middle, newest]
    assert ids(bench, sort="waiting") == [newest, middle], "what has ended waits for nothing"
    assert ids(bench, sort="waiting", status="completed") == [oldest]


@pytest.mark.parametrize("sort", QuestSort)
def test_pages_of_every_order_follow_on_each_other(bench: Workbench, sort: QuestSort) -> None:
    submit_apart(bench, 3)
    for _ in range(4):
        bench.submit("a")
    whole = ids(bench, sort=sort)
    cursor, walked = None, []
    while not walked or cursor:
        page = bench.repository.page(sort=sort, limit=2, cursor=cursor)
        cursor = page.next_cursor
        walked += [one.quest_id for one in page.items]

    assert (walked, len(whole)) == (whole, 7)


def test_a_cursor_of_another_order_and_an_unknown_order_are_refused(bench: Workbench) -> None:
    submit_apart(bench, 2)
    cursor = bench.repository.page(limit=1).next_cursor

    with pytest.raises(PayloadError, match="another list"):
        bench.repository.page(sort="oldest", cursor=cursor)
    with pytest.raises(PayloadError, match="'newset' is not an order of quests"):
        bench.repository.list_quests(sort="newset")
