"""`questline show`: one quest, and why it is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from questline.cli import options, times
from questline.cli.command import command
from questline.cli.display import formatting, printable, visible
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from questline_persistence.costs import Cost
    from questline_persistence.models import OnceCall, QuestExecutionData
    from questline_persistence.records import ExplainedQuest, Situation


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "show", panel=panel, example="questline show @last")(show)


def show(invocation: Invocation, quest_id: options.QuestId) -> None:
    """Show one quest: its steps, its outputs, and what it waits for or who runs it.

    The JSON form is the whole quest object, under `why` its cause, message and hint, under `calls` what the step where
    it stands has recorded by `ctx.once`, and under `cost` what it has spent; the text form shortens what is long.
    """
    from questline_persistence.costs import Cost, Costs  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.records import explained_quest  # noqa: PLC0415

    repository = invocation.repository
    found = explained_quest(repository, repository.full_id(quest_id))
    steps = Costs(invocation.store, invocation.settings.namespace).of_quest(found.quest.quest_id)
    cost = sum((step.cost for step in steps), Cost())
    invocation.answer(found.to_json() | {"cost": cost.to_json()}, lambda: draw(found, cost, invocation.now()))


def draw(found: ExplainedQuest, cost: Cost, now: float) -> RenderableType:
    """Return a quest as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    quest, situation = found.quest, found.situation
    title = formatting.title("Quest", quest.quest_id, quest.quest_type)
    parts: list[RenderableType] = [title, "", formatting.facts(_fact_rows(quest, situation, cost, now))]
    if situation.hint:
        parts += ["", formatting.command_line(f"Next: {situation.hint}")]
    parts += ["", _steps(quest)]
    if found.calls:
        parts += ["", _calls(found.calls)]
    if quest.run_data:
        parts += ["", formatting.structure(quest.run_data, "Lord", "Output")]
    return Group(*parts)


def _fact_rows(
    quest: QuestExecutionData, situation: Situation, cost: Cost, now: float
) -> Iterator[tuple[str, RenderableType]]:
    yield "Status", formatting.word(quest.status)
    if not situation.ended or quest.reason:
        yield "Why", visible(situation.message)
    if quest.error:
        yield "Error", printable(quest.error)
    yield (
        "Progress",
        f"{formatting.progress(quest)} steps" + formatting.step_progress(quest, before=", the next one at "),
    )
    yield "Made", times.told(quest.created_at, now)
    if quest.start_time is not None:
        yield "Started", times.moment(quest.start_time)
    if quest.end_time is not None:
        yield "Ended", f"{times.moment(quest.end_time)}, after {times.length(quest.duration_seconds)}"
    yield "Queue", f"{quest.queue}, priority {quest.priority}"
    yield "Epoch", f"{quest.epoch}, version {quest.version}"
    if cost != type(cost)():
        yield "Cost", f"${cost.usd:,.4f}, {cost.input_tokens:,} tokens in, {cost.output_tokens:,} out"
    if quest.forked_from:
        yield "Forked", f"from {visible(quest.forked_from)}"
    if quest.labels:
        yield "Labels", visible(formatting.labels(quest.labels))
    yield "Input", formatting.short(quest.input_data)


def _steps(quest: QuestExecutionData) -> RenderableType:
    rows = [
        (step.position, step.lord_name, step.tool_name, formatting.word(step.status), formatting.attempts(step))
        for step in quest.steps
    ]
    return formatting.table(
        "Step", "Lord", "Tool", "Status", "Attempts", rows=rows, numbers=("Attempts",), spare=("Attempts",)
    )


def _calls(calls: Sequence[OnceCall]) -> RenderableType:
    """Return what the step where the quest stands has recorded."""
    rows = [
        (
            visible(call.name),
            call.attempt_number,
            times.length(call.duration_seconds),
            formatting.short(call.output_data),
        )
        for call in calls
    ]
    return formatting.table(
        "Call", "Attempt", "Took", "Result", rows=rows, numbers=("Attempt",), spare=("Attempt", "Took")
    )
