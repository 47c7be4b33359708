"""`questline version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import typer

from questline.cli.command import command
from questline.cli.display import Output, output
from questline.cli.invocation import Invocation


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "version", panel=panel, example="questline version -o json")(version)


def version(invocation: Invocation) -> None:
    """Show the version of questline and of Python."""
    data = {"questline": version_of("questline"), "python": platform.python_version()}
    if invocation.output is Output.TEXT:
        output.write(f"questline {data['questline']}, Python {data['python']}")
    else:
        output.write_json(data, invocation.output)
