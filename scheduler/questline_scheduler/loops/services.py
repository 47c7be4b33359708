"""The background services of one namespace, put together: any number of processes may run them."""

from __future__ import annotations

from questline_persistence.audit import Actor
from questline_persistence.batches import BatchWork
from questline_persistence.controls import Removal
from questline_persistence.costs import Spending
from questline_persistence.recovery import Bells, Counters, Expired, Register, Sweep
from questline_persistence.settings import Settings
from questline_persistence.store import Database
from questline_scheduler.doorbells import DoorbellBroker, Ringer
from questline_scheduler.loops.batch_runner import BatchRunner
from questline_scheduler.loops.budget_keeper import BudgetKeeper
from questline_scheduler.loops.loops import Loops, Service
from questline_scheduler.loops.relay import Relay
from questline_scheduler.loops.retention import Retention
from questline_scheduler.loops.sweeper import Sweeper
from questline_scheduler.loops.timers import Timers
from questline_scheduler.monitoring import Tally


def make_loops(database: Database, broker: DoorbellBroker, chosen: Settings, *, tally: Tally | None = None) -> Loops:
    """Return relay, sweeper, timers, batches, budgets and, with rules, retention as loops yet to be started.

    Parameters:
      database: the store.
      broker: where the workers listen.
      chosen: tells the namespace, how often to sweep, and how many workers a step may kill before its quest fails.
      tally: where this process counts for its metrics, or None.
    """
    bells, counters = Bells(database, chosen.namespace), Counters(database, chosen.namespace)
    sweeper = make_sweeper(database, broker, chosen, tally=tally)
    batches = BatchRunner(BatchWork(database, chosen.namespace), Ringer(broker, bells))
    services: list[Service] = [Relay(bells, counters, broker), sweeper, _timers(database, bells, chosen.namespace)]
    budgets = BudgetKeeper(Spending(database, chosen.namespace))
    return Loops([*services, batches, budgets, *_retention(database, chosen)])


def _retention(database: Database, chosen: Settings) -> list[Retention]:
    """Return the service that removes what is kept no longer; none without a rule."""
    removal = Removal(database, chosen.namespace, Actor.of_process(chosen.actor))
    return [Retention(removal, database.clock, chosen.retention_rules)] if chosen.retention else []


def _timers(database: Database, bells: Bells, namespace: str) -> Timers:
    return Timers(bells, Register(database, namespace), Expired(database, namespace))


def make_sweeper(
    database: Database,
    broker: DoorbellBroker,
    chosen: Settings,
    *,
    heard: bool = True,
    tally: Tally | None = None,
) -> Sweeper:
    """Return a sweeper.

    Parameters:
      database: the store.
      broker: where the freed steps are rung.
      chosen: as of `make_loops`.
      heard: whether the workers hear what is rung there.
      tally: as of `make_loops`.
    """
    sweep = Sweep(database, chosen.namespace, max_lost=chosen.max_lost_workers)
    ringer = Ringer(broker, Bells(database, chosen.namespace), heard=heard)
    counters = Counters(database, chosen.namespace)
    return Sweeper(sweep, ringer, counters, chosen.sweep_seconds, tally)
