"""How many steps of each Lord a plan has, noted so that pushing more need not count them."""

import json
from collections import Counter

from questline_persistence.schema import quests, steps
from tests.contract.quests import Workbench, quest, step


def noted(bench: Workbench, quest_id: str) -> dict[str, int] | None:
    (row,) = bench.rows(quests, quest_id)
    return None if row.step_counts is None else json.loads(row.step_counts)


def counted(bench: Workbench, quest_id: str) -> dict[str, int]:
    epoch = bench.rows(quests, quest_id)[0].epoch
    return Counter(row.lord_name for row in bench.rows(steps, quest_id) if row.epoch == epoch)


def occurrences(bench: Workbench, quest_id: str) -> list[tuple[str, int]]:
    epoch = bench.rows(quests, quest_id)[0].epoch
    return [(row.lord_name, row.occurrence) for row in bench.rows(steps, quest_id) if row.epoch == epoch]


def test_a_plan_is_counted_when_its_quest_is_submitted(bench: Workbench) -> None:
    assert noted(bench, bench.submit("a", "b", "a")) == {"a": 2, "b": 1}


def test_pushed_steps_are_counted_on_from_what_was_noted(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "b", "c")
    bench.finish(bench.claim(quest_id), 2, "b")

    assert noted(bench, quest_id) == counted(bench, quest_id) == {"a": 1, "b": 3, "c": 1}
    assert sorted(occurrences(bench, quest_id)) == [("a", 1), ("b", 1), ("b", 2), ("b", 3), ("c", 1)]


def test_a_quest_of_before_is_counted_by_its_first_push(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a")
    bench.execute("UPDATE quest_executions SET step_counts = NULL WHERE quest_id = :quest_id", quest_id=quest_id)
    bench.finish(bench.claim(quest_id), 1, "a")

    assert noted(bench, quest_id) == counted(bench, quest_id) == {"a": 3, "b": 1}
    assert ("a", 3) in occurrences(bench, quest_id)


def test_a_replayed_plan_is_counted_as_it_was_at_that_time(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "b", "b")
    bench.replay(quest_id, "a")
    assert noted(bench, quest_id) == counted(bench, quest_id) == {"a": 1, "b": 1}

    bench.finish(bench.claim(quest_id), 1, "b")
    assert noted(bench, quest_id) == counted(bench, quest_id) == {"a": 1, "b": 2}


def test_a_forked_plan_is_counted_with_what_was_pushed_before(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "b")
    forked = bench.fork(quest_id, "b")

    assert noted(bench, forked) == counted(bench, forked) == {"a": 1, "b": 2}


def test_a_quest_saved_with_another_stack_is_counted_anew(bench: Workbench) -> None:
    data = quest("a", "b")
    bench.repository.save_quest(data)
    data.execution_stack = [step("c"), step("b"), step("b")]
    bench.repository.save_quest(data)

    assert noted(bench, data.quest_id) == counted(bench, data.quest_id) == {"c": 1, "b": 2}


def test_a_result_that_comes_too_late_changes_no_count(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.journal.release(late)
    assert not bench.finish(late, 1, "b").won

    assert noted(bench, quest_id) == {"a": 1}
