"""The pauses between looks at what will come soon or late: short at first, then longer from look to look."""

from __future__ import annotations

from collections.abc import Iterator

#: How much longer each pause is than the one before.
GROWTH = 1.3


def growing_pauses(first: float, longest: float) -> Iterator[float]:
    """Yield one pause after the other, without end.

    Parameters:
      first: the first of them, in seconds.
      longest: the longest, in seconds.
    """
    pause = first
    while True:
        yield pause
        pause = min(pause * GROWTH, longest)
