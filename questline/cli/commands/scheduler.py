"""`questline scheduler`: the loops alone, without workers."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import typer

from questline.cli.command import command
from questline.cli.invocation import Invocation
from questline.cli.stop_signal import stop_signal
from questline_persistence.errors import ConfigurationError, StoreUnavailable


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline scheduler --broker-url redis://localhost:6379/0"
    command(app, "scheduler", panel=panel, example=example)(scheduler)


def scheduler(invocation: Invocation) -> None:
    """Run the loops (relay, sweeper, timers, batches, budgets) until SIGTERM or Ctrl-C, on any number of machines.

    Workers run these loops, too, unless you start them with --no-loops. So a small deployment needs no scheduler.
    """
    from questline_persistence.journal import try_writing  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_scheduler.doorbells import open_broker  # noqa: PLC0415  (Dramatiq, which only this needs)
    from questline_scheduler.loops import make_loops  # noqa: PLC0415
    from questline_scheduler.monitoring import Tally, open_health_server, probes_of  # noqa: PLC0415  (beside them)
    from questline_scheduler.stopping import wait_for_stop  # noqa: PLC0415

    invocation.configure_logging()
    chosen = invocation.settings
    broker = open_broker(chosen.broker_url, namespace=chosen.namespace)
    if broker.in_process:
        message = f"{chosen.broker_url} wakes the workers of its own process only, and a scheduler runs no steps"
        raise ConfigurationError(
            message, hint="set QUESTLINE_BROKER_URL to a server, or run the loops in questline worker"
        )
    invocation.make_store()
    _ = invocation.store  # reaches the store and looks at its schema
    with suppress(StoreUnavailable):  # a standby may be the primary soon: loops wait for that
        try_writing(invocation.database, chosen.namespace)
    tally = Tally()
    loops = make_loops(invocation.database, broker, chosen, tally=tally)
    health = open_health_server(chosen, lambda: probes_of(chosen, invocation.database, broker, tally))
    with stop_signal() as stopping:
        loops.start()
        try:
            with nullcontext() if health is None else health:
                wait_for_stop(stopping)
        finally:
            loops.stop()
            broker.close()
