"""`questline export` and `questline import`: quests into a file, and out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from questline.cli import options
from questline.cli.bulk import Choice, count
from questline.cli.command import command
from questline.cli.display import Output, formatting
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import FilterWords
from questline_persistence.states import ExecutionStatus


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "export", panel=panel, example="questline export --label team=billing -o billing.quest")(export)
    command(app, "import", panel=panel, example="questline import billing.quest --new-ids --dry-run")(import_)


def export(
    invocation: Invocation,
    ids: options.QuestIds = None,
    *,
    chosen: FilterWords,
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            "-o",
            help="The file to write; --output is the answer's format here.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a file that is there.", show_default=False)
    ] = False,
    reason: options.Reason = None,
) -> None:
    """Write quests with their whole history, and what their Lords keep for them alone, into one file.

    Each quest is in it as it was at one moment, a live one too. The audit notes each. The quests stay where they are.
    """
    from questline_persistence.moving import export_quests  # noqa: PLC0415  (200 ms that --help does not need)

    if str(to) in {*Output}:
        raise UsageMistake(f"-o names the file to write, and {to} is a format", hint=f"add: --output {to}")
    choice = Choice(ids or (), chosen)
    choice.check()
    found = choice.matching(invocation, ExecutionStatus) if chosen.given else choice.ids
    full = [invocation.repository.full_id(quest_id) for quest_id in found]
    own = (invocation.store, invocation.settings.namespace, full, to)
    done = export_quests(*own, actor=invocation.actor, replace=replace, reason=reason)
    invocation.answer(done.to_json(), lambda: f"{count(done.quests)} in {done.file} ({done.bytes:,} bytes)")


def import_(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="A file that `export` has written.", metavar="FILE", show_default=False)],
    *,
    new_ids: Annotated[
        bool,
        typer.Option(
            "--new-ids",
            help="Give each quest an id of its own; the same file gives the same ones.",
            show_default=False,
        ),
    ] = False,
    reason: options.Reason = None,
    dry_run: options.DryRun = False,
) -> None:
    """Read quests out of a file; nothing is written unless all of the file matches its checksums.

    Quests that had not ended are paused: resume them once they do not run elsewhere. A quest that is there already,
    just as in the file, stays as it is, so that an import that broke off can be repeated.
    """
    from questline_persistence.moving import Importing  # noqa: PLC0415  (as above)

    invocation.make_store()
    importing = Importing(invocation.store, invocation.settings.namespace, invocation.actor, new_ids=new_ids)
    found = list(importing.take_in(file, dry_run=dry_run, reason=reason))
    told = "would be imported" if dry_run else "imported"
    rows = [(one.quest_id, formatting.word(one.status), told if one.changed else "there already") for one in found]
    invocation.answer_items(
        [one.to_json() for one in found],
        lambda: formatting.table("ID", "Status", "", rows=rows),
        empty=f"There is no quest in {file}.",
    )
