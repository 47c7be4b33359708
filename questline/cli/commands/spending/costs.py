"""`questline costs`: what steps have spent, by quest, Lord, type, model or label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli.command import command
from questline.cli.completion import complete_quest_id
from questline.cli.display import formatting
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from questline_persistence.costs import Cost


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline costs @last\nquestline costs --by lord\nquestline costs --by label:team"
    command(app, "costs", panel=panel, example=example)(costs)


def costs(
    invocation: Invocation,
    quest_id: Annotated[
        str | None,
        typer.Argument(
            help="The quest's id, its beginning or its end, @last, or @last:TYPE. Default: all quests.",
            metavar="ID",
            autocompletion=complete_quest_id,
            show_default=False,
        ),
    ] = None,
    *,
    by: Annotated[
        str | None,
        typer.Option(help="Add up all quests by lord, type, model or label:KEY.", metavar="WHAT", show_default=False),
    ] = None,
) -> None:
    """Show what steps have spent, as they told `ctx.cost`: of one quest by step, or of all by what they have in common.

    Failed attempts count, and so does what came before a replay. What deleted quests have spent does not.
    """
    from questline_persistence.costs import Costs  # noqa: PLC0415  (SQLAlchemy, which --help does not need)

    found = Costs(invocation.store, invocation.settings.namespace)
    if quest_id is not None and by is not None:
        raise UsageMistake("costs are those of one quest, or added up by something", hint="leave out ID or --by")
    if quest_id is not None:
        steps = found.of_quest(invocation.repository.full_id(quest_id))
        rows = [[one.position, one.lord_name, one.model or "-", *_numbers(one.cost)] for one in steps]
        headings, items = ["Step", "Lord", "Model"], [one.to_json() for one in steps]
    else:
        what, _, label = (by or "lord").partition(":")
        groups = found.by(what, label or None)
        rows = [[one.name or "-", *_numbers(one.cost)] for one in groups]
        headings, items = [what.capitalize()], [one.to_json() for one in groups]
    numbers = ("Tokens in", "Tokens out", "USD")
    invocation.answer_items(
        items,
        lambda: formatting.table(*headings, *numbers, rows=rows, numbers=numbers),
        empty="No step has told of any cost yet.",
    )


def _numbers(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.input_tokens:,}", f"{cost.output_tokens:,}", f"{cost.usd:,.4f}"
