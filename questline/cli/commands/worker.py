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
            help="Run no background loops (relay, sweeper, timers, batches, budgets); another process must.",
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
    rehearse(invocation, chosen.lords)
    supervise(chosen, loops=not no_loops)


def rehearse(invocation: Invocation, modules: Sequence[str], *, may_register_later: bool = False) -> None:
    """Check what can be checked before a worker process starts.

    Parameters:
      invocation: the command.
      modules: the modules of Lords.
      may_register_later: whether modules that register no Lord are imported again once their code changes.

    Raises:
      UsageMistake: no module of Lords is named anywhere, or those that are register none.
      ConfigurationError: a module cannot be imported, or the schema is not the one of this version.
      StoreUnavailable: the store cannot be reached.
      NotAllowed: no worker could register as this user.
    """
    if not modules:
        hint = "name one after the command, or set QUESTLINE_LORDS"
        raise UsageMistake(
            "no module of Lords (your step functions) is named, so this worker would run no step", hint=hint
        )
    from questline_worker.green_threads import refuse_green_threads  # noqa: PLC0415  (the worker, …

    invocation.configure_logging()
    invocation.import_lords(modules)
    refuse_green_threads()
    _refuse_lordless(modules, may_register_later=may_register_later)
    invocation.make_store()
    _register_once(invocation)
    invocation.database.close()


def supervise(chosen: Settings, **options: Any) -> None:
    """Run the workers, and exit as they do.

    Parameters:
      chosen: the settings, and in them the modules of Lords.
      options: those of the `Supervisor`.
    """
    from questline_worker.supervisor import Supervisor  # noqa: PLC0415  (… which only these need)

    if code := Supervisor(chosen, chosen.lords, say=output.note, **options).run():
        raise typer.Exit(code)


def _refuse_lordless(modules: Sequence[str], *, may_register_later: bool) -> None:
    """Check that the modules, which are imported, have registered a Lord."""
    from questline_worker.lords import known_handlers  # noqa: PLC0415  (as above)

    if known_handlers():
        return
    names, verb = ", ".join(modules), "registers" if len(modules) == 1 else "register"
    if may_register_later:
        output.note(f"Warning: {names} {verb} no Lord (step function) yet; nothing runs until you add one.")
        return
    hint = "write @lord(NAME, TOOL) above your step functions, or name the module that has them"
    raise UsageMistake(f"{names} {verb} no Lord (step function), so this worker would run no step", hint=hint)


def _register_once(invocation: Invocation) -> None:
    """Reach the store, look at its schema, and try to register as each worker process will."""
    from questline_persistence.ids import new_claim_id  # noqa: PLC0415  (beside it)
    from questline_persistence.recovery import WorkerCard  # noqa: PLC0415  (200 ms that --help does not need)

    _ = invocation.store
    with suppress(StoreUnavailable):  # a standby may be the primary soon: workers wait for that
        invocation.register.rehearse(WorkerCard(new_claim_id(), "", "", 0, 0))
