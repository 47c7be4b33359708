"""How far a server's clock is from that of this machine."""

from __future__ import annotations

from questline.cli import times
from questline.cli.doctor.check import Check, passed, warned

#: A difference that doctor warns of, in seconds.
NOTABLE_SECONDS = 1.0


def compare_clocks(group: str, server: str, ahead: float) -> Check:
    """Return the check of a server's clock, which is `ahead` seconds ahead of that of this machine."""
    direction = "ahead of" if ahead >= 0 else "behind"
    message = f"{server} is {times.length(abs(ahead))} {direction} this machine"
    value = {"ahead_seconds": round(ahead, 3)}
    if abs(ahead) <= NOTABLE_SECONDS:
        return passed(group, "clock", message, value)
    hint = "run NTP on both: this harms no result, but the times in their logs do not agree"
    return warned(group, "clock", message, hint, value)
