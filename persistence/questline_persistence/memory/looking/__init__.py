"""What people look at: whom they mean by what they type, what was added last, and the versions of a key.

The command line and HTTP show what it returns. It imports what is kept and the models.
"""

from questline_persistence.memory.looking.meant import LAST, meant
from questline_persistence.memory.looking.newest import newest
from questline_persistence.memory.looking.version_view import VersionView, versions

__all__ = ["LAST", "VersionView", "meant", "newest", "versions"]
