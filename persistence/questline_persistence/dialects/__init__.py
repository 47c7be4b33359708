"""What differs between databases: one contract (`Dialect`), how statements reach a driver, what its errors mean.

`sqlite` and `postgres` stand behind it, each with its URLs, its sessions and its statements for a step's way; a store's
is chosen once, when the store is opened. It imports the words at the root of this floor and no other room.
"""

from questline_persistence.dialects import driver, forks
from questline_persistence.dialects.access import Access
from questline_persistence.dialects.chosen import check_callers, decide_library, dialect_for, dialect_of, parse_url
from questline_persistence.dialects.codecs import CODEC, SHOWN, codec_of, is_shown
from questline_persistence.dialects.dialect import Dialect
from questline_persistence.dialects.driver import changed_rows, execute
from questline_persistence.dialects.meaning import Meaning, meaning_of
from questline_persistence.dialects.place import Place
from questline_persistence.dialects.pool_limits import DEFAULT_POOL, PoolLimits
from questline_persistence.dialects.store_errors import REFUSALS, Overtime, explained, reason_of
from questline_persistence.dialects.unindexed import Unindexed

__all__ = [
    "CODEC",
    "DEFAULT_POOL",
    "REFUSALS",
    "SHOWN",
    "Access",
    "Dialect",
    "Meaning",
    "Overtime",
    "Place",
    "PoolLimits",
    "Unindexed",
    "changed_rows",
    "check_callers",
    "codec_of",
    "decide_library",
    "dialect_for",
    "dialect_of",
    "driver",
    "execute",
    "explained",
    "forks",
    "is_shown",
    "meaning_of",
    "parse_url",
    "reason_of",
]
