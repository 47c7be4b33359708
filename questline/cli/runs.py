"""`questline runs`: every attempt of a quest's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from questline.cli import options, pictures, times
from questline.cli.command import command
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from questline_persistence.models import LordRun


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "runs", panel=panel, example="questline runs @last -o jsonl")(runs)


def runs(invocation: Invocation, quest_id: options.QuestId) -> None:
    """List the attempts of a quest's steps, in the order in which they were recorded."""
    repository = invocation.repository
    found = repository.runs(repository.full_id(quest_id))
    invocation.answer_items(
        [run.to_json() for run in found],
        lambda: pictures.table(
            "Step", "Lord", "Tool", "Epoch", "Attempt", "Status", "Took", "Result", rows=[_row(run) for run in found]
        ),
        empty="No step of this quest has been tried yet.",
    )


def _row(run: LordRun) -> list[object]:
    return [
        run.position or "",
        run.lord_name,
        run.tool_name,
        run.epoch,
        f"{run.attempt_number}/{run.max_attempts}",
        pictures.word(run.status),
        times.length(run.duration_seconds),
        pictures.first_line(run.error_message) if run.error_message else pictures.short(run.output_data, 80),
    ]
