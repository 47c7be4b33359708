"""`questline demo`: the demonstration, in this terminal and without any server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from questline.cli.command import command
from questline.cli.invocation import Invocation


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "demo", panel=panel, example="questline demo")(demo)


def demo(
    invocation: Invocation,  # noqa: ARG001  (every command has one)
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="Empty folder for its files; a new one below .questline/ by default.",
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what questline does, in a store of its own: it kills a worker, then pauses, resumes and replays quests."""
    from questline.demo import run  # noqa: PLC0415  (only this command needs it)

    if code := run(directory):
        raise typer.Exit(code)
