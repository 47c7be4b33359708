"""How two states differ, and what becomes of two that were made from one: values in, values out."""

from questline_persistence.memory.merging.absent import ABSENT
from questline_persistence.memory.merging.changes import ChangeKind, StateChange, difference
from questline_persistence.memory.merging.three_way import MergeConflict, MergeResult, merge

__all__ = ["ABSENT", "ChangeKind", "MergeConflict", "MergeResult", "StateChange", "difference", "merge"]
