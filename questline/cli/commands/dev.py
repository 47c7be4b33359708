"""`questline dev`: everything for development in one foreground process tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import http, options
from questline.cli.command import command
from questline.cli.commands.config import masked
from questline.cli.commands.worker import rehearse, supervise
from questline.cli.display import output
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from questline_gateway.server import GatewayServer

#: Time that running steps get to end after Ctrl-C, in seconds; a developer waits no longer than 5.
SHUTDOWN_SECONDS = 3.0


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "dev", panel=panel, example="questline dev my_lords")(dev)


def dev(
    invocation: Invocation,
    modules: options.Modules = None,
    *,
    max_async: options.MaxAsync = None,
    no_reload: Annotated[
        bool, typer.Option("--no-reload", help="When your code changes, keep running the old code.", show_default=False)
    ] = False,
    no_gateway: Annotated[
        bool, typer.Option("--no-gateway", help="Do not serve the HTTP API.", show_default=False)
    ] = False,
) -> None:
    """Run one worker process with all loops, and the HTTP API, for development, until Ctrl-C.

    It listens to every queue that its Lords (your step functions) name, and prints a line for each step and quest. When
    your code changes, it runs the new code as soon as the running steps have ended. It needs no server: it keeps quests
    in ./.questline/, and they survive a restart. A second Ctrl-C stops at once. The exit code is 0 after one Ctrl-C
    or two.
    """
    from questline_worker.code_watch import CodeWatch  # noqa: PLC0415  (the worker, which only this needs)

    chosen = invocation.load_settings(
        worker_processes=1,
        shutdown_seconds=SHUTDOWN_SECONDS,
        max_async=max_async,
        lords=tuple(modules or ()) or None,
    )
    if chosen.log_format == "auto":
        chosen = chosen.model_copy(update={"log_format": "console"})
    invocation.go_by(chosen)
    rehearse(invocation, chosen.lords, may_register_later=not no_reload)
    server = None if no_gateway or not http.is_installed() else http.make_server(invocation, any_port=True)
    for line in _greeting(invocation, _gateway(server, wanted=not no_gateway), modules or ()):
        output.note(line)
    watch = None if no_reload else CodeWatch(Path.cwd(), output.note)
    with _serving(server):
        supervise(chosen, development=True, watch=watch)


@contextmanager
def _serving(server: GatewayServer | None) -> Iterator[None]:
    """Serve the HTTP API meanwhile, if there is a gateway."""
    if server is not None:
        server.start()
    try:
        yield
    finally:
        if server is not None:
            server.stop()


def _gateway(server: GatewayServer | None, *, wanted: bool) -> list[str]:
    """Return where the gateway is, or how to get it."""
    if server is not None:
        return [f"  dashboard {server.url}/", f"  HTTP API  {server.url}/docs"]
    return [f"  dashboard not installed; {http.INSTALL_HINT}"] if wanted else []


def _greeting(invocation: Invocation, gateway: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Return what there is to know: where things are, and how to submit.

    Parameters:
      invocation: the command.
      gateway: what there is to know about the gateway.
      modules: those that only this command names, so that the one that submits has to name them, too.
    """
    from questline_scheduler.quest_types import known_types  # noqa: PLC0415  (the types are known after the import)

    types = known_types()
    imports = "".join(f"-m {module} " for module in modules)
    example = f"{imports}--type {types[0]}" if types else "quest.yaml"
    return [
        f"questline dev, namespace {invocation.settings.namespace}",
        f"  database  {invocation.database.name}",
        f"  broker    {masked(invocation.settings.broker_url)}",
        *gateway,
        f"  modules   {', '.join(invocation.settings.lords)}",
        f"  types     {', '.join(types) or 'none registered'}",
        f"Submit a quest in another terminal: questline submit {example} --wait",
        "Ctrl-C stops it. At the next start, quests go on from where they stand.",
    ]
