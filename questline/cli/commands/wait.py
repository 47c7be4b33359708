"""`questline wait`: until a quest ends."""

from __future__ import annotations

import typer

from questline.cli import awaiting, options
from questline.cli.command import command
from questline.cli.display import Output, output
from questline.cli.exit_codes import ExitCode, outcome
from questline.cli.invocation import Invocation


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "wait", panel=panel, example="questline wait @last --timeout 60")(wait)


def wait(invocation: Invocation, quest_id: options.QuestId, timeout: options.Timeout = None) -> None:
    """Wait until a quest is completed, failed, cancelled or paused.

    Exits with 0 if it was completed, 8 if it failed, 9 if it was cancelled or is paused, and 124 if the time is over.
    """
    finish(invocation, invocation.repository.full_id(quest_id), timeout)


def finish(invocation: Invocation, quest_id: str, timeout: float | None) -> None:
    """Wait for a quest, print it, and exit as it ended."""
    quest = awaiting.wait(invocation, quest_id, timeout)
    if invocation.output is Output.TEXT:
        output.write(str(quest.status))
    else:
        output.write_json(quest.to_json(), invocation.output)
    awaiting.note_outcome(quest)
    if (code := outcome(quest.status)) is not ExitCode.OK:
        raise typer.Exit(code)
