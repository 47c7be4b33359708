"""The journal: what workers and producers write, each a guarded transition in one transaction.

Claims, checkpoints and the ends of claims are here, and how quests come in. It imports `schema` and what is below.
"""

from questline_persistence.journal import history, submission
from questline_persistence.journal.conflicts import MAX_CONFLICTS
from questline_persistence.journal.ended_attempt import EndedAttempt, error_text, record
from questline_persistence.journal.endings import (
    UNCLAIMED,
    end_attempt,
    end_attempts,
    ended,
    lock_where_free,
    settle_pause,
)
from questline_persistence.journal.history import State
from questline_persistence.journal.identity import Identity
from questline_persistence.journal.journal import Journal
from questline_persistence.journal.once import RECORDED_ALONE, Recorded, RecordedCall, recorded_calls
from questline_persistence.journal.remembering import entered, remember, written
from questline_persistence.journal.submission import Submitted, insert_quests, prepare_quest, submit_one
from questline_persistence.journal.tombstones import after_deleted, bury
from questline_persistence.journal.trial import try_writing
from questline_persistence.journal.writing_checkpoint import TO_BE_WRITTEN_ALONE

__all__ = [
    "MAX_CONFLICTS",
    "RECORDED_ALONE",
    "TO_BE_WRITTEN_ALONE",
    "UNCLAIMED",
    "EndedAttempt",
    "Identity",
    "Journal",
    "Recorded",
    "RecordedCall",
    "State",
    "Submitted",
    "after_deleted",
    "bury",
    "end_attempt",
    "end_attempts",
    "ended",
    "entered",
    "error_text",
    "history",
    "insert_quests",
    "lock_where_free",
    "prepare_quest",
    "record",
    "recorded_calls",
    "remember",
    "settle_pause",
    "submission",
    "submit_one",
    "try_writing",
    "written",
]
