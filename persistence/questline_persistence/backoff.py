"""When a failed step runs again: exponential back-off with jitter, as data in SQL, never in the broker."""

from __future__ import annotations

import random

#: Longest wait between two attempts, in seconds.
MAX_BACKOFF_SECONDS = 3_600.0


def backoff(failures: int, max_attempts: int, first: float) -> float | None:
    """Return the wait before the next attempt in seconds, or None when there is none left.

    The wait doubles with each failure; half of it is random.

    Parameters:
      failures: how often the step has failed by now, 1 or more.
      max_attempts: how often it may fail.
      first: the wait after the first failure in seconds.
    """
    if failures >= max_attempts:
        return None
    return spread(min(first * 2.0 ** min(failures - 1, 60), MAX_BACKOFF_SECONDS))


def spread(seconds: float) -> float:
    """Return a wait of which half is random, so that steps that failed together do not return together.

    Source: "equal jitter", M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Parameters:
      seconds: the longest that it may be.
    """
    return seconds / 2 + random.random() * seconds / 2  # noqa: S311  (spreading load needs no secret)
