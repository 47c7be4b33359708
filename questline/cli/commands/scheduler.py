"""`questline scheduler`: the loops alone, without workers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from questline.cli.command import command
from questline.cli.invocation import Invocation
from questline_persistence.errors import ConfigurationError, StoreUnavailable


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline scheduler --broker-url redis://localhost:6379/0"
    command(app, "scheduler", panel=panel, example=example)(scheduler)


def scheduler(invocation: Invocation) -> None:
    """Run the background loops (relay, sweeper, timers) until SIGTERM or Ctrl-C. Any number of machines may run them.

    Workers run these loops, too, unless you start them with --no-loops. So a small deployment needs no scheduler.
    """
    from questline_persistence.journal import try_writing  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_scheduler.doorbells import open_broker  # noqa: PLC0415  (Dramatiq, which only this needs)
    from questline_scheduler.loops import make_loops  # noqa: PLC0415
    from questline_scheduler.stopping import wait_for_stop  # noqa: PLC0415  (beside them)

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
    loops = make_loops(invocation.database, broker, chosen)
    with _stop_signal() as stopping:
        loops.start()
        try:
            wait_for_stop(stopping)
        finally:
            loops.stop()
            broker.close()


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and Ctrl-C set; a second Ctrl-C ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        stopping.set()
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
