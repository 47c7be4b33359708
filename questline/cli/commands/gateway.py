"""`questline gateway`: the dashboard and the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from questline.cli.command import command
from questline.cli.display import output
from questline.cli.http import make_server
from questline.cli.invocation import Invocation
from questline.cli.stop_signal import stop_signal


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline gateway --port 8080"
    command(app, "gateway", panel=panel, example=example)(gateway)


def gateway(
    invocation: Invocation,
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at.", metavar="ADDRESS", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0 takes one that is free.", min=0, max=65_535, show_default=False),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Let everybody in who reaches the address, also from elsewhere.", show_default=False
        ),
    ] = False,
) -> None:
    """Serve the dashboard and the HTTP API until SIGTERM or Ctrl-C. Any number of machines may serve it.

    It imports the modules of QUESTLINE_LORDS, so that quests can be submitted by their type. It runs no steps: workers
    do. The description of the API is at /docs.
    """
    from questline_scheduler.stopping import wait_for_stop  # noqa: PLC0415  (only this needs it)

    invocation.configure_logging()
    invocation.go_by(invocation.load_settings(http_host=host, http_port=port))
    server = make_server(invocation, insecure=insecure)
    invocation.import_lords()
    invocation.make_store()
    _ = invocation.store  # reaches the store and looks at its schema
    with stop_signal() as stopping:
        server.start()
        output.note(f"questline gateway at {server.url}/ (HTTP API: {server.url}/docs)")
        try:
            wait_for_stop(stopping)
        finally:
            server.stop()
