"""`questline show`: one quest, and why it is not moving if it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from questline.cli import options, pictures, times
from questline.cli.command import command
from questline.cli.invocation import Invocation
from questline.cli.output import printable, visible
from questline.cli.standstill import Standstill, why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from questline_persistence.models import QuestExecutionData


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "show", panel=panel, example="questline show @last")(show)


def show(invocation: Invocation, quest_id: options.QuestId) -> None:
    """Show one quest: its steps, its outputs, and why it is not moving if it is not.

    The JSON form is the whole quest object; the text form shortens what is long.
    """
    repository = invocation.repository
    quest = repository.load_quest(repository.full_id(quest_id))
    invocation.answer(quest.to_json(), lambda: draw(quest, reason_of(invocation, quest), invocation.now()))


def reason_of(invocation: Invocation, quest: QuestExecutionData) -> Standstill | None:
    """Return why a quest is not moving, or None if it is, or has ended."""
    tickets = invocation.repository.tickets(quest.quest_id)
    return why(quest, tickets, invocation.register.all(), invocation.now())


def draw(quest: QuestExecutionData, standstill: Standstill | None, now: float) -> RenderableType:
    """Return a quest as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)
    from rich.text import Text  # noqa: PLC0415

    title = Text.assemble(("Quest ", "bold"), (quest.quest_id, "bold"), "  ", visible(quest.quest_type))
    parts: list[RenderableType] = [title, "", _facts(quest, standstill, now), "", _steps(quest)]
    if quest.run_data:
        rows = [(name, pictures.short(value)) for name, value in quest.run_data.items()]
        parts += ["", pictures.table("Lord", "Output", rows=rows)]
    return Group(*parts)


def _facts(quest: QuestExecutionData, standstill: Standstill | None, now: float) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415  (as above)

    grid = Table.grid(padding=(0, 2))
    for name, value in _fact_rows(quest, standstill, now):
        grid.add_row(name, value)
    return grid


def _fact_rows(
    quest: QuestExecutionData, standstill: Standstill | None, now: float
) -> Iterator[tuple[str, RenderableType]]:
    yield "Status", pictures.word(quest.status)
    if standstill is not None:
        yield "Because", standstill.message
        if standstill.hint:
            yield "Next", standstill.hint
    if quest.error:
        yield "Error", printable(quest.error)
    if quest.status == "failed":
        yield "Next", f"questline retry {quest.quest_id}"
    elif quest.reason and standstill is None:
        yield "Reason", visible(quest.reason)
    yield "Progress", f"{pictures.progress(quest)} steps"
    made = times.stamp(quest.created_at)
    yield "Made", times.moment(made) + ("" if made is None else f" ({times.ago(min(made, now), now)})")
    if quest.start_time is not None:
        yield "Started", times.moment(quest.start_time)
    if quest.end_time is not None:
        yield "Ended", f"{times.moment(quest.end_time)}, after {times.length(quest.duration_seconds)}"
    yield "Queue", f"{quest.queue}, priority {quest.priority}"
    yield "Epoch", f"{quest.epoch}, version {quest.version}"
    if quest.forked_from:
        yield "Forked", f"from {visible(quest.forked_from)}"
    if quest.labels:
        yield "Labels", visible(pictures.labels(quest.labels))
    yield "Input", pictures.short(quest.input_data)


def _steps(quest: QuestExecutionData) -> RenderableType:
    rows = [
        (step.position, step.lord_name, step.tool_name, pictures.word(step.status), step.attempts)
        for step in quest.steps
    ]
    return pictures.table("Step", "Lord", "Tool", "Status", "Attempts", rows=rows, numbers=("Attempts",))
