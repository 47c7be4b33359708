"""Whole goals: quests that run in memory, and what the next one has of them."""

import pytest

from questline import QuestRepository
from questline.testing import run_quest


def goal(text: str) -> dict[str, object]:
    return {"quest_type": "forge_goal", "input_data": {"goal": text}}


def test_a_goal_is_reached() -> None:
    quest = run_quest(goal("Read the file README.md"))

    assert (quest.status, quest.output_data["output"]) == ("completed", "# A title\n")


def test_a_lesson_helps_the_next_quest(questline_store: QuestRepository) -> None:
    attempts = [run_quest(goal("Read the file READ.md"), store=questline_store) for _ in range(2)]

    assert [quest.status for quest in attempts] == ["failed", "completed"]


@pytest.mark.parametrize("step", ["planner:make_plan", "executor:carry_out", "executor:report"])
def test_nothing_is_there_twice_though_the_worker_dies(step: str, questline_store: QuestRepository) -> None:
    quest = run_quest(goal("Read the file README.md"), crash_at=step, store=questline_store)

    assert quest.status == "completed"
    assert [step.attempts for step in quest.steps] == [1, 1, 1, 1]
    assert sum(step.lost for step in quest.steps) == 1
