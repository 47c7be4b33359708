"""Which rows belong in a list, for whoever has some of them that are not committed yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from questline_persistence.kinds import Entries, Versioned


@dataclass(frozen=True, slots=True)
class Listing:
    """What belongs in a list, said so that a running step can tell which of its own writes do.

    Parameters:
      kind: what it is.
      belongs: tells whether a row does.
      with_deleted: whether what was deleted is listed, too.
    """

    kind: Versioned | Entries
    belongs: Callable[[Any], bool]
    with_deleted: bool = False
