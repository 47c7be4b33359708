"""`questline budget`: how much may be spent by one quest, by the quests of a type, or by all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli.command import command, new_app
from questline.cli.completion import complete_quest_id
from questline.cli.display import formatting, output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from questline_persistence.costs import Budget, Budgets

_Quest = Annotated[
    str | None,
    typer.Argument(
        help="The quest's id, its beginning or its end, @last, or @last:TYPE.",
        metavar="ID",
        autocompletion=complete_quest_id,
        show_default=False,
    ),
]
_Type = Annotated[
    str | None, typer.Option("--type", help="All quests of this type together.", metavar="TYPE", show_default=False)
]
_All = Annotated[bool, typer.Option("--all", help="All quests of the namespace together.", show_default=False)]


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app(
        "Limit what steps spend. A quest is paused before its next step once its budget, or that of its type or of the "
        "namespace, is used up; `questline resume ID --budget` lets it go on."
    )
    example = "questline budget set @last --max-usd 5\nquestline budget set --type review --max-tokens 2000000"
    command(group, "set", example=example)(set_budget)
    command(group, "list", example="questline budget list")(list_budgets)
    command(group, "remove", example="questline budget remove --type review")(remove)
    app.add_typer(group, name="budget", rich_help_panel=panel)


def set_budget(
    invocation: Invocation,
    quest_id: _Quest = None,
    *,
    quest_type: _Type = None,
    everything: _All = False,
    max_usd: Annotated[
        float | None, typer.Option(help="Most US dollars.", metavar="USD", min=0, show_default=False)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Most tokens, in and out together.", metavar="N", min=0, show_default=False)
    ] = None,
) -> None:
    """Set a budget, or change one. A quest's counts all that it has spent; others count what is spent from now on."""
    scope, name = _meant(invocation, quest_id, quest_type, everything=everything)
    found = _budgets(invocation).set(scope, name, max_usd=max_usd, max_tokens=max_tokens)
    invocation.answer(found.to_json(), lambda: formatting.table(*_HEADINGS, rows=[_row(found)], numbers=_NUMBERS))


def list_budgets(invocation: Invocation) -> None:
    """List the budgets, and how much of each is spent."""
    found = _budgets(invocation).list()
    invocation.answer_items(
        [one.to_json() for one in found],
        lambda: formatting.table(*_HEADINGS, rows=[_row(one) for one in found], numbers=_NUMBERS),
        empty="There is no budget.",
    )


def remove(
    invocation: Invocation, quest_id: _Quest = None, *, quest_type: _Type = None, everything: _All = False
) -> None:
    """Remove a budget. Quests that it has paused stay so until they are resumed."""
    scope, name = _meant(invocation, quest_id, quest_type, everything=everything)
    _budgets(invocation).remove(scope, name)
    output.note(f"Removed the budget of {f'{scope} {name}' if name else 'the namespace'}.")


_NUMBERS = ("USD", "of", "Tokens", "of them")
_HEADINGS = ("Of", "Name", *_NUMBERS, "State")


def _budgets(invocation: Invocation) -> Budgets:
    from questline_persistence.costs import Budgets  # noqa: PLC0415  (SQLAlchemy, which --help does not need)

    return Budgets(invocation.store, invocation.settings.namespace)


def _meant(
    invocation: Invocation, quest_id: str | None, quest_type: str | None, *, everything: bool
) -> tuple[str, str]:
    """Return the scope and the name of the budget that is meant."""
    if (quest_id is not None) + (quest_type is not None) + everything != 1:
        raise UsageMistake("a budget is of one quest, of a type, or of all", hint="give ID, --type TYPE or --all")
    if quest_id is not None:
        return "quest", invocation.repository.full_id(quest_id)
    return ("namespace", "") if quest_type is None else ("type", quest_type)


def _row(found: Budget) -> list[object]:
    state = "lifted" if found.lifted else "used up" if found.is_used_up else "left"
    return [
        str(found.scope),
        found.name,
        f"{found.spent_usd:,.4f}",
        "-" if found.max_usd is None else f"{found.max_usd:,.2f}",
        f"{found.spent_tokens:,}",
        "-" if found.max_tokens is None else f"{found.max_tokens:,}",
        state,
    ]
