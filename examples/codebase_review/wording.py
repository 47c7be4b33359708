"""Numbers and cycles as people write them."""

from typing import Final

from .imports import Cycle

_CYCLE_SHOWN: Final = 6
_SMALL_PERCENT: Final = 10


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 file`, `2,345 files`, `no files`."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}" if number else f"no {word}"


def share(part: int, whole: int) -> str:
    """Return a part as a percentage; a small part is not rounded to nothing."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if 0 < percent < _SMALL_PERCENT else f"{percent:.0f} %"


def way_round(cycle: Cycle) -> str:
    """Return a shortest way round a cycle as text, its middle left out where it is long."""
    names = [*cycle["example"], *cycle["example"][:1]]
    if len(names) > _CYCLE_SHOWN + 1:
        left_out = len(names) - _CYCLE_SHOWN
        names = [*names[: _CYCLE_SHOWN - 1], f"({left_out} more)", names[-1]]
    return " → ".join(names)
