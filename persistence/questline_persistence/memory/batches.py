"""Several things that one call takes: all of them at once, and so not too many."""

from __future__ import annotations

from itertools import islice
from typing import Any

from questline_persistence.arguments import several
from questline_persistence.errors import PayloadError

#: Most states, events or contexts that one call saves or loads.
MAX_BATCH = 1_000


def batch_of(given: object, what: str) -> list[Any]:
    """Return several things that a caller gives, as a list.

    Parameters:
      given: a list, or what gives them one by one.
      what: the argument's name.

    Raises:
      PayloadError: it is a single thing, or there are too many.
    """
    found = [*islice(several(given, what, "a list", "put it into a list, even if it is one"), MAX_BATCH + 1)]
    if len(found) > MAX_BATCH:
        raise PayloadError(f"one call takes at most {MAX_BATCH:,} {what}", hint="give them in several calls")
    return found
