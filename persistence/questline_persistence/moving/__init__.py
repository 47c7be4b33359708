"""Moving house: quests into files and out of them, and whole stores into others, and into backups.

It imports `records` and what is below.
"""

from questline_persistence.moving.backups import Backup, back_up, restore
from questline_persistence.moving.copying import Copied, copy_store
from questline_persistence.moving.exporting import MAX_EXPORTED, Exported, export_quests
from questline_persistence.moving.importing import ImportedQuest, Importing

__all__ = [
    "MAX_EXPORTED",
    "Backup",
    "Copied",
    "Exported",
    "ImportedQuest",
    "Importing",
    "back_up",
    "copy_store",
    "export_quests",
    "restore",
]
