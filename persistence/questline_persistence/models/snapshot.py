"""A snapshot: the state of a quest at one version."""

from __future__ import annotations

from typing import Any

from questline_persistence.models.record import Record
from questline_persistence.models.step import LordStep
from questline_persistence.states import SnapshotReason


class Snapshot(Record):
    """The immutable state of a quest at one version, whole.

    Parameters:
      snapshot_id: its number in the store.
      quest_id: the quest.
      version: the version of the quest's state.
      epoch: the quest's replay number at that time.
      position: the step that comes next; None where none remains.
      snapshot_reason: why it was taken.
      run_data: the outputs so far, as of `Quest`.
      execution_stack: the steps that remain.
      created_at: when it was taken.
    """

    snapshot_id: int
    quest_id: str
    version: int
    epoch: int
    position: str | None
    snapshot_reason: SnapshotReason
    run_data: dict[str, Any]
    execution_stack: list[LordStep]
    created_at: str
