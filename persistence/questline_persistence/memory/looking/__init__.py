"""What people look at: what they mean by what they type, what was added last or has some words, versions of a key.

The command line and HTTP show what it returns. It imports what is kept and the models.
"""

from questline_persistence.memory.looking.comparison import Compared, Comparing, Comparison
from questline_persistence.memory.looking.meant import LAST, meant
from questline_persistence.memory.looking.newest import entry, newest, with_words
from questline_persistence.memory.looking.quest_difference import KeyDifference, Side, quest_difference
from questline_persistence.memory.looking.version_view import VersionView, versions

__all__ = [
    "LAST",
    "Compared",
    "Comparing",
    "Comparison",
    "KeyDifference",
    "Side",
    "VersionView",
    "entry",
    "meant",
    "newest",
    "quest_difference",
    "versions",
    "with_words",
]
