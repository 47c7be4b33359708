"""The storage of runs that the settings name: one per process."""

from __future__ import annotations

from functools import cache

from questline_persistence.dialects import forks
from questline_persistence.memory.runs.run_history import RunHistory
from questline_persistence.memory.runs.storage import Storage

_making = forks.new_lock()


def get_storage() -> Storage:
    """Return the storage of runs that the settings name, the same one at each call.

    It is a `RunHistory` of their store and namespace, which they tell at the first call.

    Raises:
      ConfigurationError: a setting is wrong.
    """
    with _making:
        return _storage()


@cache
def _storage() -> RunHistory:
    return RunHistory()
