"""What is sent of a new quest stands in the order of its parts, up to its plan; what comes behind is not stored."""

from questline_persistence.dialects.postgres import quests as postgres_quests
from questline_persistence.new_quest import NewQuest
from questline_persistence.plan import PlannedStep


def test_the_columns_of_what_is_sent_are_the_fields_of_what_they_are_made_of() -> None:
    assert tuple(postgres_quests._QUEST) == NewQuest._fields[: NewQuest._fields.index("plan") + 1]
    assert tuple(postgres_quests._STEP) == ("plan", *PlannedStep._fields)
