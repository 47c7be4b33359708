import pytest

from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.schema import quests
from tests.contract.quests import Workbench


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_a_deleted_quest_leaves_nothing_behind(bench: Workbench, ending: str) -> None:
    quest_id, other = bench.end(ending), bench.end(ending)
    bench.replay(quest_id, "v0")
    bench.controls.cancel(quest_id)
    before = bench.everything(other)

    assert bench.repository.delete_quest(quest_id)
    assert {name for name, rows in bench.everything(quest_id).items() if rows} == set()
    assert bench.everything(other) == before
    with pytest.raises(QuestNotFound):
        bench.repository.load_quest(quest_id)


def test_deleting_a_quest_that_is_not_there_is_told(bench: Workbench) -> None:
    assert bench.repository.delete_quest("nobody") is False


@pytest.mark.parametrize("how", ["new", "running", "paused"])
def test_a_live_quest_cannot_be_deleted(bench: Workbench, how: str) -> None:
    quest_id = bench.submit("a")
    if how == "running":
        bench.claim(quest_id)
    elif how == "paused":
        bench.controls.pause(quest_id)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict, match=f"is {how}") as caught:
        bench.repository.delete_quest(quest_id)
    assert "cancel" in str(caught.value.hint)
    assert bench.everything(quest_id) == before


def test_an_id_can_be_used_again_after_its_quest_was_deleted(bench: Workbench) -> None:
    bench.repository.delete_quest(bench.end("completed"))
    quest_id = bench.submit("a", quest_id="again")
    bench.controls.cancel(quest_id)
    bench.repository.delete_quest(quest_id)

    assert bench.submit("a", quest_id="again") == "again"
    assert [row.epoch for row in bench.rows(quests, "again")] == [1]
