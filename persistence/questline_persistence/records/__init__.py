"""What is read about quests, and quests that a program keeps by itself.

It may import every other room of this floor but `memory`.
"""

from questline_persistence.records.backlog import MAX_LOOKED, Backlog, Group, QueueLoad, Stage
from questline_persistence.records.explained_quest import ExplainedQuest, explained_quest
from questline_persistence.records.listing import (
    MAX_PASSED,
    NEWEST_FIRST,
    Counted,
    Page,
    QuestFilter,
    QuestSort,
    labels_of,
)
from questline_persistence.records.quest_history import HistoryPage, QuestHistory
from questline_persistence.records.quest_view import steps_of
from questline_persistence.records.queues import Queues, QueueView
from questline_persistence.records.repository import QuestRepository
from questline_persistence.records.situation import SWEEP_HINT, Cause, Situation, obstacle, situation_of
from questline_persistence.records.snapshot_head import SnapshotHead
from questline_persistence.records.statistics import (
    LordDurations,
    LordStatistics,
    QuestStatistics,
    Statistics,
    namespaces_of,
)
from questline_persistence.records.throughput import Span, Throughput, throughput_of
from questline_persistence.records.ticket_view import TicketView

__all__ = [
    "MAX_LOOKED",
    "MAX_PASSED",
    "NEWEST_FIRST",
    "SWEEP_HINT",
    "Backlog",
    "Cause",
    "Counted",
    "ExplainedQuest",
    "Group",
    "HistoryPage",
    "LordDurations",
    "LordStatistics",
    "Page",
    "QuestFilter",
    "QuestHistory",
    "QuestRepository",
    "QuestSort",
    "QuestStatistics",
    "QueueLoad",
    "QueueView",
    "Queues",
    "Situation",
    "SnapshotHead",
    "Span",
    "Stage",
    "Statistics",
    "Throughput",
    "TicketView",
    "explained_quest",
    "labels_of",
    "namespaces_of",
    "obstacle",
    "situation_of",
    "steps_of",
    "throughput_of",
]
