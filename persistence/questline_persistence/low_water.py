"""How far a look has seen that comes again and again, so that it need not begin at the start of its index each time.

What a step leaves behind in an index is taken away by vacuum. While any session holds an old snapshot (a backup, a
replica's feedback, a forgotten transaction), it stays, and each look would walk over all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: A change may be committed so much later than the time that it bears, in seconds, and the next look sees it.
MARGIN_SECONDS = 2.0
#: A look that takes no longer than this, in seconds, is a whole one each time.
CHEAP_SECONDS = 0.001
#: A whole look that takes longer comes again after so many times its length, yet after `LONGEST_SECONDS` at the latest.
REST, LONGEST_SECONDS = 1_000.0, 60.0


class LowWater:
    """The time before which nothing was due, in an index that is ordered by time.

    A whole look comes now and then all the same, and after an error: it finds what was committed very late.
    """

    def __init__(self) -> None:
        #: Nothing is due before this time, in epoch seconds.
        self.mark = 0.0
        self._trusted_until = 0.0

    def look(self, first_due: Callable[[float], float | None], *, now: float) -> bool:
        """Return whether anything is due, and raise the mark.

        Parameters:
          first_due: returns the time of the first thing that is due at the time that it is given or later.
          now: the time of the look, by the database's clock.
        """
        began = time.monotonic()
        trusted_until, self._trusted_until = self._trusted_until, 0.0
        whole = began >= trusted_until
        found = first_due(0.0 if whole else min(self.mark, now - MARGIN_SECONDS))
        self.mark = min(now if found is None else found, now - MARGIN_SECONDS)
        took = time.monotonic() - began
        if whole and took > CHEAP_SECONDS:
            trusted_until = began + min(REST * took, LONGEST_SECONDS)
        self._trusted_until = trusted_until
        return found is not None
