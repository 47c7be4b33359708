"""Named points at which a test may have the process die, an error rise, or time pass.

Nothing happens at them unless a test has armed them; unarmed, a point costs one comparison. Every SQL write and
every call on a step's way to its checkpoint has points; the names are listed here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

#: What writes, or reads on a step's way: each has the points `NAME.begun`, `NAME.written` and `NAME.committed`.
TRANSACTIONS = frozenset(
    {
        "submit",
        "submit_many",
        "claim",
        "checkpoint",
        "once",
        "also",
        "fail",
        "put_off",
        "release",
        "sweep_lost",
        "sweep_free",
        "due",
        "ring_at",
        "refuse",
        "wake",
        "pause",
        "resume",
        "cancel",
        "retry",
        "replay",
        "fork",
        "delete",
        "save",
        "remember",
        "enter",
        "renew",
        "leave",
        "forget",
        "count",
        "migrate",
    }
)
#: What a transaction passes: before its first statement, before COMMIT, and after COMMIT before anyone knows.
STAGES = ("begun", "written", "committed")
#: Points on a worker's and the loops' way, and within the transaction of a step that writes more than its result.
PLACES = frozenset(
    {
        "also.fenced",
        "also.result",
        "worker.boot",
        "worker.fetched",
        "worker.claimed",
        "worker.body",
        "worker.effect",
        "worker.settled",
        "worker.rung",
        "worker.stopping",
        "relay.due",
        "relay.rung",
        "sweep.found",
        "broker.ring",
        "broker.ring.done",
        "broker.fetch",
        "broker.fetch.done",
        "broker.reclaim",
        "broker.reclaim.done",
    }
)

_armed: Callable[[str], object] | None = None


def failpoint(name: str, stage: str = "") -> None:
    """Pass the point `name`, or `name.stage`."""
    if _armed is not None:
        _armed(f"{name}.{stage}" if stage else name)


def arm(action: Callable[[str], object] | None) -> None:
    """Have `action` called with the name of every point that is passed from now on; None disarms them."""
    global _armed  # noqa: PLW0603  (one switch for the process is the point of it)
    _armed = action


def all_points() -> list[str]:
    """Return the names of all points, sorted."""
    return sorted(PLACES | {f"{name}.{stage}" for name in TRANSACTIONS for stage in STAGES})
