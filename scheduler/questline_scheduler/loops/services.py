"""The background services of one namespace, put together: any number of processes may run them."""

from __future__ import annotations

from questline_persistence.recovery import Recovery, Register
from questline_persistence.store import Database
from questline_persistence.suspicion import MAX_LOST
from questline_scheduler.doorbells import DoorbellBroker
from questline_scheduler.loops.loops import Loops
from questline_scheduler.loops.relay import Relay
from questline_scheduler.loops.sweeper import Sweeper
from questline_scheduler.loops.timers import Timers


def make_loops(
    database: Database, namespace: str, broker: DoorbellBroker, *, sweep_seconds: float, max_lost: int = MAX_LOST
) -> Loops:
    """Return relay, sweeper and timers as loops that are yet to be started."""
    recovery = Recovery(database, namespace, max_lost=max_lost)
    return Loops(
        [
            Relay(recovery, broker),
            Sweeper(recovery, broker, sweep_seconds),
            Timers(recovery, Register(database, namespace)),
        ]
    )
