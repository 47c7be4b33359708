"""The connection to a store: transactions and their retries, group commit, connections that are kept, threads.

It imports `dialects` and the words at the root; no table is known here.
"""

from questline_persistence.dialects import decide_library
from questline_persistence.store.committer import Committer
from questline_persistence.store.database import Database
from questline_persistence.store.opening import open_database, pool_limits
from questline_persistence.store.storage import size_of
from questline_persistence.store.threads import Threads
from questline_persistence.store.tries import Tries

__all__ = ["Committer", "Database", "Threads", "Tries", "decide_library", "open_database", "pool_limits", "size_of"]
