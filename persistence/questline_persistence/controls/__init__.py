"""An admin's verbs: pause, resume, cancel, retry, replay, fork, delete.

They import `journal` and what is below, and know nothing of `recovery`.
"""

from questline_persistence.controls.contents import content_of, locked, renamed
from questline_persistence.controls.controlled import Controlled
from questline_persistence.controls.controls import Controls, pause_locked
from questline_persistence.controls.corrections import Change, Correction
from questline_persistence.controls.key_change import Fate, KeyChange
from questline_persistence.controls.locked_quest import LockedQuest, lock
from questline_persistence.controls.part import Part
from questline_persistence.controls.removal import MAX_AT_ONCE, Removal, remove_quests
from questline_persistence.controls.replays import CallsOfFork, PastStep
from questline_persistence.controls.restart import Restart, StepAgain
from questline_persistence.controls.reversals import Reversal
from questline_persistence.controls.starting_point import StartingPoint

__all__ = [
    "MAX_AT_ONCE",
    "CallsOfFork",
    "Change",
    "Controlled",
    "Controls",
    "Correction",
    "Fate",
    "KeyChange",
    "LockedQuest",
    "Part",
    "PastStep",
    "Removal",
    "Restart",
    "Reversal",
    "StartingPoint",
    "StepAgain",
    "content_of",
    "lock",
    "locked",
    "pause_locked",
    "remove_quests",
    "renamed",
]
