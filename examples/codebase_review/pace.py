"""Handing out work in slices: between two of them a Lord tells its progress, and can be cancelled.

`pace_seconds` in a quest's input slows every Lord down, so that a demonstration can watch and interrupt it.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

#: A Lord tells its progress this often at most.
SLICES: Final = 20
#: A slowed Lord looks for cancellation at least this often.
NAP_SECONDS: Final = 0.25
#: A slower pace than this is refused: a step's time limit is near.
MAX_PACE_SECONDS: Final = 300.0

Item = TypeVar("Item")


class Watch(Protocol):
    """What pacing needs of a Lord's context."""

    def progress(self, fraction: float, message: str, /) -> None:
        """Tell how far the Lord is."""

    def raise_if_cancelled(self) -> None:
        """Stop here if the quest was cancelled."""


def pace_seconds(input_data: Mapping[str, Any]) -> float:
    """Return the least time that each Lord shall take; raise ValueError where it makes no sense."""
    value = input_data.get("pace_seconds") or 0
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds <= MAX_PACE_SECONDS:
        message = f"pace_seconds must be a number from 0 to {MAX_PACE_SECONDS:g}, not {value!r}"
        raise ValueError(message)
    return seconds


def paced(
    watch: Watch,
    items: Sequence[Item],
    doing: str,
    seconds: float = 0.0,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Item]:
    """Yield the items, slice by slice, in no less than so many seconds."""
    slices = SLICES if seconds else max(1, min(SLICES, len(items)))
    started = clock()
    for number in range(1, slices + 1):
        done = len(items) * number // slices
        yield from items[len(items) * (number - 1) // slices : done]
        watch.raise_if_cancelled()
        while (left := started + seconds * number / slices - clock()) > 0:
            sleep(min(left, NAP_SECONDS))
            watch.raise_if_cancelled()
        watch.progress(number / slices, f"{doing}: {done:,} of {len(items):,}")
