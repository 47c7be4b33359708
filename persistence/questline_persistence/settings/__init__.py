"""What can be set: each setting with its default and meaning, where values stand, and what holds in this process.

It imports errors, payload and the words at the root. Whoever imports it pays for Pydantic's settings, 150 ms.
"""

from questline_persistence.settings.loading import SettingsWarning, documented, load, origins, shown
from questline_persistence.settings.retention import RetentionRule, read_rules
from questline_persistence.settings.settings import MAX_LIMIT, MIN_LIMIT, Settings

__all__ = [
    "MAX_LIMIT",
    "MIN_LIMIT",
    "RetentionRule",
    "Settings",
    "SettingsWarning",
    "documented",
    "load",
    "origins",
    "read_rules",
    "shown",
]
