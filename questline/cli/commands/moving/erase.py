"""`questline erase`: all that is known of a subject, removed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options
from questline.cli.bulk import confirm, count
from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.erasure import Receipt


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "erase", panel=panel, example="questline erase --subject customer-42 --dry-run")(erase)


def erase(
    invocation: Invocation,
    *,
    subject: Annotated[
        str,
        typer.Option(
            help="Whom the quests are about: the value of their label subject.", metavar="S", show_default=False
        ),
    ],
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Remove all that quests of a subject have left, for good, and print a receipt: how many rows of which table.

    The quests go with their attempts, snapshots, calls, logs and own memory. What their steps have told others is
    emptied: versions of shared states, events, lessons, and the words by which these were found. The receipt names the
    files that quests were exported to, and backups: remove those yourself.
    """
    from questline_persistence.erasure import Erasing  # noqa: PLC0415  (200 ms that --help does not need)

    erasing = Erasing(invocation.store, invocation.settings.namespace, invocation.actor)
    receipt = erasing.erase(subject, dry_run=True)
    if not dry_run and receipt.quests:
        confirm(f"Erase {count(receipt.quests)} of {subject} for good?", yes=yes)
        receipt = erasing.erase(subject, reason=reason)
    invocation.answer(receipt.to_json(), lambda: _told(receipt))


def _told(receipt: Receipt) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415  (as formatting)

    what = "would be erased" if receipt.dry_run else "erased"
    rows = [(name, f"{number:,}") for name, number in receipt.rows.items()]
    copies = [("export", file) for file in receipt.exports] + [("backup", file) for file in receipt.backups]
    parts: list[RenderableType] = [f"{count(receipt.quests)} {what}."]
    if rows:
        parts += ["", formatting.table("Table", "Rows", rows=rows, numbers=["Rows"])]
    if copies:
        parts += ["", "Copies that are left, for you to remove:", formatting.table("Kind", "File", rows=copies)]
    return Group(*parts)
