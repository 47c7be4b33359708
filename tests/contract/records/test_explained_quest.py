"""A quest and why it is where it is are looked up together, for everything that shows quests."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import QuestNotFound
from questline_persistence.records import Cause, QuestRepository, explained_quest
from tests.contract.quests import LONG, Workbench


def test_a_quest_is_explained_by_its_ticket_the_workers_and_its_place_in_the_queue(bench: Workbench) -> None:
    first, second = bench.submit("a"), bench.submit("a")
    bench.clock.advance(1)
    assert explained_quest(bench.repository, second).situation.cause is Cause.NO_WORKER

    worker = bench.worker(lease=LONG)
    queued = explained_quest(bench.repository, second)
    bench.claim(first, worker)

    assert queued.situation.cause is Cause.QUEUED
    assert queued.to_json() == bench.repository.load_quest(second).to_json() | {
        "why": queued.situation.to_json(),
        "calls": [],
    }
    assert explained_quest(bench.repository, first).situation.cause is Cause.RUNNING


def test_a_quest_is_explained_at_a_glance_without_its_outputs(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, {"large": True})

    assert explained_quest(bench.repository, quest_id, whole=False).quest.run_data == {}
    assert explained_quest(bench.repository, quest_id).quest.run_data == {"a": {"large": True}}


def test_a_quest_that_ends_while_it_is_looked_up_is_told_to_have_ended(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id = bench.submit("a")

    def ends_behind(look: Callable[[QuestRepository, str], Any]) -> Callable[[QuestRepository, str], Any]:
        def look_and_end(repository: QuestRepository, quest_id: str) -> Any:
            found = look(repository, quest_id)
            if bench.repository.status(quest_id) == "new":
                bench.advance(quest_id, 1)
            return found

        return look_and_end

    for name in ("tickets", "load_quest"):
        monkeypatch.setattr(QuestRepository, name, ends_behind(getattr(QuestRepository, name)))

    assert explained_quest(bench.repository, quest_id).situation.cause is Cause.ENDED


def test_a_quest_that_is_not_there_is_not_explained(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        explained_quest(bench.repository, "nobody")
