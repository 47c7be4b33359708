"""Moving house: quests into files and out of them.

It imports `records` and what is below.
"""

from questline_persistence.moving.exporting import MAX_EXPORTED, Exported, export_quests
from questline_persistence.moving.importing import ImportedQuest, Importing

__all__ = ["MAX_EXPORTED", "Exported", "ImportedQuest", "Importing", "export_quests"]
