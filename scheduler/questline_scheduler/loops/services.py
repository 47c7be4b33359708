"""The background services of one namespace, put together: any number of processes may run them."""

from __future__ import annotations

from questline_persistence.recovery import Bells, Counters, Register, Sweep
from questline_persistence.store import Database
from questline_persistence.suspicion import MAX_LOST
from questline_scheduler.doorbells import DoorbellBroker, Ringer
from questline_scheduler.loops.loops import Loops
from questline_scheduler.loops.relay import Relay
from questline_scheduler.loops.sweeper import Sweeper
from questline_scheduler.loops.timers import Timers


def make_loops(
    database: Database, namespace: str, broker: DoorbellBroker, *, sweep_seconds: float, max_lost: int = MAX_LOST
) -> Loops:
    """Return relay, sweeper and timers as loops that are yet to be started.

    Parameters:
      database: the store.
      namespace: the tenant.
      broker: where the workers listen.
      sweep_seconds: seconds between two sweeps.
      max_lost: how many workers a step may kill, alone in each, before its quest fails.
    """
    bells, counters = Bells(database, namespace), Counters(database, namespace)
    sweeper = make_sweeper(database, namespace, broker, sweep_seconds=sweep_seconds, max_lost=max_lost)
    return Loops([Relay(bells, counters, broker), sweeper, Timers(bells, Register(database, namespace))])


def make_sweeper(
    database: Database,
    namespace: str,
    broker: DoorbellBroker,
    *,
    sweep_seconds: float,
    max_lost: int = MAX_LOST,
    heard: bool = True,
) -> Sweeper:
    """Return a sweeper.

    Parameters:
      database: the store.
      namespace: the tenant.
      broker: where the freed steps are rung.
      sweep_seconds: seconds between two sweeps.
      max_lost: how many workers a step may kill, alone in each, before its quest fails.
      heard: whether the workers hear what is rung there.
    """
    sweep = Sweep(database, namespace, max_lost=max_lost)
    ringer = Ringer(broker, Bells(database, namespace), heard=heard)
    return Sweeper(sweep, ringer, Counters(database, namespace), sweep_seconds)
