"""What has changed: the versions that a quest went through, and which quests of a namespace are no longer as they were.

Who follows quests asks again and again, and each time gets what is new since.
"""

from questline_persistence.records.changes.changed_quests import ChangedQuests, Changes
from questline_persistence.records.changes.followed_quests import FollowedQuests, Look
from questline_persistence.records.changes.quest_state import QuestState
from questline_persistence.records.changes.quest_version import PAGE, QuestVersion

__all__ = ["PAGE", "ChangedQuests", "Changes", "FollowedQuests", "Look", "QuestState", "QuestVersion"]
