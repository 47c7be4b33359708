"""Lists of quests: which are meant, in which order, and how far a page may look for them."""

from questline_persistence.records.listing.newest_quests import NEWEST_FIRST, newest_quests
from questline_persistence.records.listing.quest_filter import QuestFilter, Statuses, labels_of, statuses_of
from questline_persistence.records.listing.quest_list import (
    MAX_MATCHED,
    MAX_PAGE,
    MAX_PASSED,
    Counted,
    Page,
    QuestList,
    refuse_limit,
)
from questline_persistence.records.listing.quest_sort import QuestSort

__all__ = [
    "MAX_MATCHED",
    "MAX_PAGE",
    "MAX_PASSED",
    "NEWEST_FIRST",
    "Counted",
    "Page",
    "QuestFilter",
    "QuestList",
    "QuestSort",
    "Statuses",
    "labels_of",
    "newest_quests",
    "refuse_limit",
    "statuses_of",
]
