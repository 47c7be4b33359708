"""What is read about quests, and quests that a program keeps by itself.

The top of this floor: it may import every other room.
"""

from questline_persistence.records.backlog import MAX_LOOKED, Backlog, Group, Stage
from questline_persistence.records.filters import QuestFilter
from questline_persistence.records.repository import Page, QuestRepository
from questline_persistence.records.situation import SWEEP_HINT, Cause, Situation, obstacle, situation_of
from questline_persistence.records.statistics import MAX_COUNTED
from questline_persistence.records.ticket_view import TicketView

__all__ = [
    "MAX_COUNTED",
    "MAX_LOOKED",
    "SWEEP_HINT",
    "Backlog",
    "Cause",
    "Group",
    "Page",
    "QuestFilter",
    "QuestRepository",
    "Situation",
    "Stage",
    "TicketView",
    "obstacle",
    "situation_of",
]
