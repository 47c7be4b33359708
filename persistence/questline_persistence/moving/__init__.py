"""Moving house: quests into files and out of them, and whole stores into others.

It imports `records` and what is below.
"""

from questline_persistence.moving.copying import Copied, copy_store
from questline_persistence.moving.exporting import MAX_EXPORTED, Exported, export_quests
from questline_persistence.moving.importing import ImportedQuest, Importing

__all__ = ["MAX_EXPORTED", "Copied", "Exported", "ImportedQuest", "Importing", "copy_store", "export_quests"]
