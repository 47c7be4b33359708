"""Puts together what a worker pool or a scheduler serves for those who watch it, if the settings name a port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from questline_persistence.settings import Settings
from questline_persistence.store import Database
from questline_scheduler.doorbells import DoorbellBroker
from questline_scheduler.monitoring.gauges import Gauges
from questline_scheduler.monitoring.probes import Probes
from questline_scheduler.monitoring.readiness import Look, needs
from questline_scheduler.monitoring.tally import Tally

if TYPE_CHECKING:
    from questline_scheduler.monitoring.health_server import HealthServer


def probes_of(
    chosen: Settings,
    database: Database,
    broker: DoorbellBroker,
    tally: Tally,
    *,
    alive: Callable[[], bool] = lambda: True,
    besides: Mapping[str, Look] | None = None,
) -> Probes:
    """Return what answers the probes of one process.

    Parameters:
      chosen: tells the namespace, the queues and the version of the code.
      database: the store.
      broker: the broker.
      tally: what the process, and those below it, did.
      alive: whether its main loop runs.
      besides: what it needs to be ready besides the store and the broker, by name.
    """
    gauges = Gauges(database, chosen.namespace, chosen.queues)
    looks = {**needs(database, broker), **(besides or {})}
    return Probes(looks, gauges, tally, alive=alive, code_version=chosen.code_version)


def open_health_server(chosen: Settings, make: Callable[[], Probes]) -> HealthServer | None:
    """Return a server that is yet to be started, or None where the settings name no port.

    Parameters:
      chosen: names address and port.
      make: makes what it answers with.

    Raises:
      ConfigurationError: it cannot listen there.
    """
    if chosen.health_port is None:
        return None
    from questline_scheduler.monitoring.health_server import HealthServer  # noqa: PLC0415  (25 ms, for who has a port)

    return HealthServer(chosen.health_host, chosen.health_port, make())
