"""What users hold in their hands: quests, steps, runs and snapshots, as Pydantic models.

Every model can be read by attribute and by key (`quest.status`, `quest["status"]`). It imports errors, payload and the
words at the root.
"""

from questline_persistence.models.labels import MAX_LABEL_KEY, MAX_LABEL_VALUE, MAX_LABELS, refuse_labels
from questline_persistence.models.quest import MAX_KEY_LENGTH, MAX_PRIORITY, MAX_REASON, Quest, QuestExecutionData
from questline_persistence.models.record import KeyedModel, Record
from questline_persistence.models.run import LordRun, OnceCall
from questline_persistence.models.snapshot import Snapshot
from questline_persistence.models.step import MAX_STEPS, LordStep, StepProgress, StepView, as_step
from questline_persistence.models.wrong_field import MAX_PLACE, wrong_field

__all__ = [
    "MAX_KEY_LENGTH",
    "MAX_LABELS",
    "MAX_LABEL_KEY",
    "MAX_LABEL_VALUE",
    "MAX_PLACE",
    "MAX_PRIORITY",
    "MAX_REASON",
    "MAX_STEPS",
    "KeyedModel",
    "LordRun",
    "LordStep",
    "OnceCall",
    "Quest",
    "QuestExecutionData",
    "Record",
    "Snapshot",
    "StepProgress",
    "StepView",
    "as_step",
    "refuse_labels",
    "wrong_field",
]
