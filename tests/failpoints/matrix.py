"""Which cells there are: every point, on every step, on both stores, but for those that cannot be."""

from questline_persistence.failpoints import PLACES, all_points
from tests.failpoints.cells import KINDS, STEPS, Cell
from tests.failpoints.orders import IN_THE_BODY

_NO_SERVER = "memory:// is no server: nothing is called, and nothing can be cut"
_ONE_STATEMENT = "one statement that commits itself: nothing lies between the write and its COMMIT"
#: By setup, the points that cannot be passed there, and why.
UNREACHABLE: dict[str, dict[str, str]] = {
    "sqlite_memory": dict.fromkeys((point for point in PLACES if point.startswith("broker.")), _NO_SERVER),
    "postgres_valkey": dict.fromkeys(
        ("claim.written", "checkpoint.written", "once.written", "submit.written"), _ONE_STATEMENT
    ),
}
#: What docs/project/faults.md calls some of the points, as fault 1.
NAMED: dict[str, tuple[str, ...]] = {
    "after fetch": ("worker.fetched", "broker.fetch.done"),
    "after claim": ("worker.claimed", "claim.committed"),
    "in the body": (IN_THE_BODY, "worker.body"),
    "after the effect": ("worker.effect", "once.begun", "once.committed"),
    "in the checkpoint before COMMIT": ("checkpoint.begun", "checkpoint.written", "also.written"),
    "after COMMIT before the doorbell": ("checkpoint.committed", "also.committed", "worker.settled"),
    "after the doorbell before the ack": ("worker.rung",),
    "during a sweep": ("sweep.found", "sweep_lost.written", "sweep_free.written"),
    "during a verb": tuple(
        f"{verb}.written" for verb in ("pause", "resume", "cancel", "retry", "replay", "fork", "delete")
    ),
    "at boot": ("worker.boot", "enter.written"),
    "while it stops": ("worker.stopping", "release.written", "leave.written"),
}
POINTS = [*all_points(), IN_THE_BODY]
#: A lock of SQLite is met inside a transaction, and nowhere else.
_NO_LOCK = frozenset({*PLACES, IN_THE_BODY})


def name_of(point: str) -> str:
    """Return a point with what the page calls it, for test ids."""
    called = [name for name, points in NAMED.items() if point in points]
    return f"{called[0]}: {point}" if called else point


def cells_at(point: str, fault: str) -> list[Cell]:
    """Return the cells of a point and a fault."""
    return [
        Cell(point, fault, step, kind)
        for kind in KINDS
        if point not in UNREACHABLE[kind] and not (kind == "sqlite_memory" and _impossible(point, fault))
        for step in STEPS
    ]


def _impossible(point: str, fault: str) -> bool:
    """Return whether a fault cannot be met at a point on SQLite with memory://."""
    return fault == "broker" or (fault == "sql" and point in _NO_LOCK)
