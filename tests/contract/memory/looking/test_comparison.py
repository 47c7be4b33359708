"""Quests, versions and attempts side by side, on each kind of store."""

import pytest

from questline_persistence.errors import QuestNotFound
from questline_persistence.memory.looking import Comparing, Comparison
from tests.contract.quests import Workbench, failure


def compare(bench: Workbench, a: str, b: str | None = None) -> Comparison:
    return Comparing(bench.repository).compare(a, b)


def changes(found: Comparison) -> dict[str, tuple[object, object]]:
    return {change.path: (change.to_json().get("before"), change.to_json().get("after")) for change in found.changes}


@pytest.fixture
def quest_id(bench: Workbench) -> str:
    """A quest of two steps, of which the first has failed once."""
    quest_id = bench.submit("a", "b", quest_id="q")
    assert bench.journal.fail(failure(bench.claim(quest_id))).won
    bench.advance(quest_id, {"n": 1}, {"n": 2})
    return quest_id


def run_ids(bench: Workbench, quest_id: str) -> list[int]:
    return [run.run_id for run in bench.repository.runs(quest_id)]


def test_a_version_is_compared_with_the_one_before(bench: Workbench, quest_id: str) -> None:
    found = compare(bench, f"{quest_id}@v1")

    assert (found.a.version, found.b.version) == (0, 1)
    assert changes(found) == {"run_data.a": (None, {"n": 1}), "remaining": (["a:work", "b:work"], ["b:work"])}
    assert changes(compare(bench, f"{quest_id}@v1", f"{quest_id}@v0"))["run_data.a"] == ({"n": 1}, None)


def test_an_attempt_is_compared_with_the_attempt_before_of_its_step(bench: Workbench, quest_id: str) -> None:
    failed, succeeded, _ = run_ids(bench, quest_id)

    found = compare(bench, f"{quest_id}#{succeeded}")

    assert (found.a.run_id, found.b.run_id, found.b.position) == (failed, succeeded, "0001")
    assert changes(found)["status"] == ("error", "success")
    assert changes(found)["error"] == ("broken", None)


def test_a_replayed_quest_is_compared_with_what_it_was_before(bench: Workbench, quest_id: str) -> None:
    bench.replay(quest_id, "b")
    bench.advance(quest_id, {"n": 3})

    assert changes(compare(bench, quest_id)) == {"run_data.b.n": (2, 3)}


def test_a_fork_is_compared_with_the_quest_that_it_was_made_from(bench: Workbench, quest_id: str) -> None:
    bench.fork(quest_id, "b", {"input_data.size": 7}, new_id="fork")
    bench.advance("fork", {"n": 2})

    found = compare(bench, "fork")

    assert (found.a.quest_id, found.b.quest_id) == (quest_id, "fork")
    assert changes(found) == {"input_data.size": (None, 7)}


def test_equal_quests_have_no_changes(bench: Workbench, quest_id: str) -> None:
    assert compare(bench, quest_id, f"{quest_id}@v2").changes == []


@pytest.mark.usefixtures("quest_id")
@pytest.mark.parametrize("named", ["q@v9", "q#0", "q#999999", "nobody", "q", "q@v0"])
def test_what_is_not_there_or_has_nothing_before_it_is_not_found(bench: Workbench, named: str) -> None:
    with pytest.raises(QuestNotFound):
        compare(bench, named)


def test_a_first_attempt_has_none_before_it(bench: Workbench, quest_id: str) -> None:
    with pytest.raises(QuestNotFound, match="first one of its step"):
        compare(bench, f"{quest_id}#{run_ids(bench, quest_id)[2]}")
