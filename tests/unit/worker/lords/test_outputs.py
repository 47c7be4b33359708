import pytest

from questline_persistence.claims import Claim
from questline_worker.lords import Outputs
from tests.contract.quests import Workbench, statements


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    """A claim on the fourth step of a quest, after a, b and a again."""
    quest_id = bench.submit("a", "b", "a", "c")
    bench.advance(quest_id, {"big": "one"}, "two", None)
    return bench.claim(quest_id)


def test_an_output_is_read_when_it_is_asked_for_and_only_once(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    with statements(bench.database) as sent:
        assert outputs["b"] == "two"
        first = [text for text in sent if text.startswith("SELECT")]
        assert outputs["b"] == "two"
    assert len(first) == 1
    assert [text for text in sent if text.startswith("SELECT")] == first


def test_making_the_mapping_reads_nothing(bench: Workbench, claim: Claim) -> None:
    with statements(bench.database) as sent:
        Outputs(bench.repository, claim)
    assert sent == []


def test_the_latest_output_of_a_lord_has_its_name_and_each_of_several_a_number(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    for _ in range(2):  # read one by one, then when all of them are known
        assert (outputs["a"], outputs["a#1"], outputs["a#2"], outputs["b#1"]) == (None, {"big": "one"}, None, "two")
        assert (outputs.all("a"), outputs.all("b"), outputs.all("z")) == ([{"big": "one"}, None], ["two"], [])
        assert ("a" in outputs, "a#3" in outputs, "b#2" in outputs) == (True, False, False)
        list(outputs)


def test_an_output_that_is_not_there_is_told_with_the_nearest_that_is(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    outputs = Outputs(bench.repository, bench.claim(quest_id))
    with pytest.raises(KeyError) as missing:
        outputs["a"]
    assert str(missing.value) == "there is no output of 'a'; no step has an output yet"

    bench.advance(bench.submit("a", "b", quest_id="q"), 1)
    outputs = Outputs(bench.repository, bench.claim("q"))
    with pytest.raises(KeyError) as missing:
        outputs["aa"]
    assert str(missing.value) == "there is no output of 'aa'; did you mean 'a'?"


def test_asking_whether_an_output_is_there_reads_no_other(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    with statements(bench.database) as sent:
        assert (outputs.get("z", 7), "z" in outputs, outputs.get("b")) == (7, False, "two")
        with pytest.raises(KeyError):
            outputs["y"]
    assert all("lord_name" in text for text in sent if "FROM lord_runs" in text)


def test_going_over_them_meets_each_output_once_in_order(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert list(outputs.items()) == [("b", "two"), ("a#1", {"big": "one"}), ("a#2", None)]


def test_all_outputs_of_a_lord_are_read_without_those_of_others(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    with statements(bench.database) as sent:
        assert outputs.all("a") == [{"big": "one"}, None]
    assert len([text for text in sent if text.startswith("SELECT")]) == 2
    assert all("lord_name" in text for text in sent if "FROM lord_runs" in text)


@pytest.mark.parametrize("start", ["a#2", "a#3", "d"])
@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_no_output_of_a_lord_is_lost_by_a_replay_or_a_fork(bench: Workbench, start: str, verb: str) -> None:
    quest_id = bench.submit("a", "b", "a", "a", "d")
    bench.advance(quest_id, 1, "b", 2, 3, 4)
    bench.replay(quest_id, "a#2")  # a base that holds one of them
    bench.advance(quest_id, 2, 3, 4)
    again = bench.fork(quest_id, start) if verb == "fork" else quest_id
    if verb == "replay":
        bench.replay(quest_id, start)
    left = {"a#2": [2, 3], "a#3": [3], "d": []}[start]
    bench.advance(again, *left)
    outputs = Outputs(bench.repository, bench.claim(again))

    for _ in range(2):
        assert outputs.all("a") == [1, 2, 3]
        assert [outputs[name] for name in ("a", "a#1", "a#2", "a#3")] == [3, 1, 2, 3]
        assert sum(output for name, output in outputs.items() if name != "b") == 6
    run_data = bench.repository.load_quest(again).run_data
    assert run_data == {"a": 3, "a#1": 1, "b": "b", "a#2": 2, "a#3": 3}
    assert bench.repository.load_snapshot(again).run_data == run_data


def test_steps_that_are_pushed_before_the_others_of_their_lord_come_first(bench: Workbench) -> None:
    quest_id = bench.submit("b", "a", "c", "d")
    bench.finish(bench.claim(quest_id), "b", "a", "a")
    bench.advance(quest_id, "second", "third")
    claim = bench.claim(quest_id)
    outputs = Outputs(bench.repository, claim)
    assert (list(outputs), outputs.all("a")) == (["b", "a#2", "a#3"], ["second", "third"])
    assert "a#1" not in outputs

    bench.finish(claim, "first")
    bench.replay(quest_id, "c")
    outputs = Outputs(bench.repository, bench.claim(quest_id))
    assert (outputs.all("a"), outputs["a"]) == (["second", "third", "first"], "first")
    assert list(outputs) == ["b", "a#2", "a#3", "a#1"]


def test_what_is_not_there_is_a_key_error_and_no_member(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert "z" not in outputs
    assert outputs.get("z", "nothing") == "nothing"
    with pytest.raises(KeyError):
        outputs["z"]


def test_it_is_a_mapping_like_any_other(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert len(outputs) == len(list(outputs)) == 3
    assert repr(outputs).startswith("Outputs(")
    assert outputs["b"] == "two"


def test_outputs_that_came_later_are_not_seen(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    bench.finish(claim, "four")
    assert "c" not in outputs


def test_outputs_of_before_a_replay_are_inherited(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, "one", "two", "three")
    bench.replay(quest_id, "c", {"run_data.a": "corrected"})
    outputs = Outputs(bench.repository, bench.claim(quest_id))
    assert (outputs["a"], outputs["b"]) == ("corrected", "two")
    assert "c" not in outputs
