"""`questline worker`: processes that run steps, and the loops beside them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import options
from questline.cli.command import command
from questline.cli.display import output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline_persistence.errors import StoreUnavailable

if TYPE_CHECKING:
    from questline_persistence.settings import Settings


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "worker", panel=panel, example="questline worker my_lords -p 2 -t 8")(worker)


def worker(
    invocation: Invocation,
    modules: options.Modules = None,
    *,
    processes: Annotated[
        int | None,
        typer.Option("--processes", "-p", help="Worker processes to keep running.", min=1, max=512, show_default=False),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", "-t", help="Sync steps that one process runs at a time.", min=1, max=1024, show_default=False
        ),
    ] = None,
    max_async: options.MaxAsync = None,
    queues: Annotated[
        list[str] | None,
        typer.Option(
            "--queues",
            "-Q",
            help="Queues to listen to, separated by commas; repeatable.",
            metavar="NAMES",
            show_default=False,
        ),
    ] = None,
    no_loops: Annotated[
        bool,
        typer.Option(
            "--no-loops",
            help="Run no background loops (relay, sweeper, timers); another process must.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Run steps until SIGTERM or Ctrl-C, and let running steps end then. Replace each process that dies.

    The modules register the Lords (your step functions). They may be in the working directory. A second Ctrl-C stops
    at once; other workers then run the interrupted steps again. A second SIGTERM changes nothing. The exit code is 0
    in each case.
    """
    chosen = invocation.load_settings(
        worker_processes=processes,
        worker_threads=threads,
        max_async=max_async,
        queues=",".join(queues) if queues else None,
        lords=tuple(modules or ()) or None,
    )
    supervise(invocation, chosen, chosen.lords, loops=not no_loops)


def supervise(invocation: Invocation, chosen: Settings, modules: Sequence[str], **options: Any) -> None:
    """Check what can be checked before a process starts, run the workers, and exit as they do.

    Parameters:
      options: those of the `Supervisor`.

    Raises:
      UsageMistake: no module of Lords is named anywhere.
      ConfigurationError: a module cannot be imported, or the schema is not the one of this version.
      StoreUnavailable: the store cannot be reached.
      NotAllowed: no worker could register as this user.
    """
    if not modules:
        hint = "name one after the command, or set QUESTLINE_LORDS"
        raise UsageMistake(
            "no module of Lords (your step functions) is named, so this worker would run no step", hint=hint
        )
    from questline_worker.green_threads import refuse_green_threads  # noqa: PLC0415  (Dramatiq and the worker …
    from questline_worker.lords import known_handlers  # noqa: PLC0415  …
    from questline_worker.supervisor import Supervisor  # noqa: PLC0415  … which only this needs)

    invocation.configure_logging()
    invocation.import_lords(modules)
    refuse_green_threads()
    if not known_handlers():
        output.note(f"Warning: {', '.join(modules)} registers no Lord, so this worker runs no step.")
    invocation.creates = True
    _rehearse(invocation)
    invocation.database.close()
    if code := Supervisor(chosen, tuple(modules), say=output.note, **options).run():
        raise typer.Exit(code)


def _rehearse(invocation: Invocation) -> None:
    """Reach the store, look at its schema, and try to register as each worker process will."""
    from questline_persistence.ids import new_claim_id  # noqa: PLC0415  (beside it)
    from questline_persistence.recovery import WorkerCard  # noqa: PLC0415  (200 ms that --help does not need)

    _ = invocation.store
    with suppress(StoreUnavailable):  # a standby may be the primary soon: workers wait for that
        invocation.register.rehearse(WorkerCard(new_claim_id(), "", "", 0, 0))
