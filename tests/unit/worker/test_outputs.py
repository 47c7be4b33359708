import pytest

from questline_persistence.claims import Claim
from questline_worker.outputs import Outputs
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


def test_the_latest_output_of_a_lord_has_its_name_and_the_second_one_a_number(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert outputs["a"] is None
    assert outputs["a#2"] is None
    assert dict(outputs) == {"a": None, "b": "two", "a#2": None}


def test_what_is_not_there_is_a_key_error_and_no_member(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert "z" not in outputs
    assert outputs.get("z", "nothing") == "nothing"
    with pytest.raises(KeyError):
        outputs["z"]


def test_it_is_a_mapping_like_any_other(bench: Workbench, claim: Claim) -> None:
    outputs = Outputs(bench.repository, claim)
    assert len(outputs) == 3
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
