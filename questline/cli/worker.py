"""`questline worker`: processes that run steps, and the loops beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, output
from questline.cli.command import command
from questline.cli.invocation import Invocation

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
        str | None,
        typer.Option(
            "--queues", "-Q", help="Queues to listen to, separated by commas.", metavar="NAMES", show_default=False
        ),
    ] = None,
    no_loops: Annotated[
        bool, typer.Option("--no-loops", help="Leave relay, sweeper and timers to other processes.", show_default=False)
    ] = False,
) -> None:
    """Run steps until SIGTERM or Ctrl-C, which let running steps end; a process that dies is replaced.

    The modules register the Lords; the working directory is importable. A second SIGTERM or Ctrl-C stops at once, and
    what ran then is run again by others. Either way it exits with 0.
    """
    chosen = invocation.load_settings(
        worker_processes=processes,
        worker_threads=threads,
        max_async=max_async,
        queues=queues,
        lords=tuple(modules or ()) or None,
    )
    supervise(invocation, chosen, chosen.lords, loops=not no_loops)


def supervise(invocation: Invocation, chosen: Settings, modules: Sequence[str], *, loops: bool) -> None:
    """Check what can be checked before a process starts, run the workers, and exit as they do.

    Raises:
      ConfigurationError: a module cannot be imported, or the schema is not the one of this version.
      StoreUnavailable: the store cannot be reached.
    """
    from questline_worker.supervisor import Supervisor  # noqa: PLC0415  (Dramatiq and the worker, which only this needs)

    invocation.configure_logging()
    invocation.import_lords(modules)
    if not modules:
        output.note("No module of Lords was named, so this worker will run no step: questline worker MODULE")
    invocation.creates = True
    _ = invocation.store  # reaches the store and looks at its schema
    invocation.database.close()
    if code := Supervisor(chosen, tuple(modules), loops=loops, say=output.note).run():
        raise typer.Exit(code)
