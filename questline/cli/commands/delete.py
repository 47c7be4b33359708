"""`questline delete` and `questline prune`: remove ended quests with their history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from questline.cli import options
from questline.cli.bulk import Choice, confirm, count, do_to_all
from questline.cli.command import command
from questline.cli.display import output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline.cli.times import read_length
from questline_persistence.errors import QuestNotFound, suggestion
from questline_persistence.states import TERMINAL, ExecutionStatus

#: Most quests that one `prune` removes.
MAX_PRUNED = 100_000

#: Tells how many of something there are.
Counted = Callable[[int], str]


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "delete", panel=panel, example="questline delete 0193a8 0193a9 -y")(delete)
    prune_example = (
        "questline prune --older-than 30d --status completed --status cancelled --type nightly --dry-run\n"
        "questline prune --audit-older-than 52w"
    )
    command(app, "prune", panel=panel, example=prune_example)(prune)


def delete(
    invocation: Invocation,
    ids: Annotated[
        list[str],
        typer.Argument(
            help="Ids of quests, their beginnings or ends, @last, or @last:TYPE.",
            metavar="ID...",
            autocompletion=options.complete_quest_id,
            show_default=False,
        ),
    ],
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Remove ended quests with their runs and snapshots, for good; cancel a live quest first.

    What their Lords keep for the quest alone goes with it; what quests share stays.
    """

    def remove(quest_id: str) -> dict[str, Any]:
        if not invocation.repository.delete_quest(quest_id, reason=reason):
            raise QuestNotFound(f"there is no quest {quest_id}", hint="run: questline list")
        return {"quest_id": quest_id, "status": "deleted", "changed": True}

    choice = Choice(ids)
    do_to_all(invocation, choice, remove, name="delete", usual=TERMINAL, yes=yes, dry_run=dry_run, always_ask=True)


def prune(
    invocation: Invocation,
    *,
    older_than: Annotated[
        str | None,
        typer.Option(
            help="Only quests that ended longer ago than this: 12h, 30d, 8w.", metavar="AGE", show_default=False
        ),
    ] = None,
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            "-s",
            help="How they ended: completed, failed or cancelled; repeatable. Default: completed.",
            metavar="STATUS",
            autocompletion=options.complete_status,
            show_default=False,
        ),
    ] = None,
    quest_type: options.QuestType = None,
    audit_older_than: Annotated[
        str | None,
        typer.Option(help="Remove entries of the audit that are older than this.", metavar="AGE", show_default=False),
    ] = None,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Remove quests that ended long ago, with their runs and snapshots, for good; or old entries of the audit.

    What their Lords keep for the quest alone goes with it; what quests share stays, and so does what the audit tells.
    """
    if (older_than is None) == (audit_older_than is None):
        raise UsageMistake("what is to go?", hint="give either --older-than AGE, or --audit-older-than AGE")
    if older_than is None:
        choice = statuses or quest_type
        _prune_audit(invocation, str(audit_older_than), choice, reason, yes=yes, dry_run=dry_run)
        return
    chosen, age = _terminal(statuses or [ExecutionStatus.COMPLETED]), read_length(older_than)
    repository, before = invocation.repository, invocation.now() - age
    ids = repository.lists.ended_before(before, chosen, limit=MAX_PRUNED, quest_type=quest_type)
    if len(ids) == MAX_PRUNED:
        output.note(f"One prune removes at most {MAX_PRUNED:,} quests, the oldest ones. Run it again for the others.")
    if not ids or dry_run:
        _tell(invocation, matched=len(ids), deleted=0, dry_run=dry_run)
        return
    confirm(f"Delete {count(len(ids))} that ended more than {older_than} ago?", yes=yes)
    deleted = 0
    while gone := repository.prune(before, chosen, limit=len(ids) - deleted, quest_type=quest_type, reason=reason):
        deleted += len(gone)
        output.note(f"{deleted:,} of {len(ids):,}")
        if deleted >= len(ids):
            break
    _tell(invocation, matched=len(ids), deleted=deleted, dry_run=False)


def _prune_audit(
    invocation: Invocation,
    age: str,
    choice: Sequence[str] | None,
    reason: str | None,
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Remove entries of the audit that are older than `age`."""
    from questline_persistence.audit import AuditLog  # noqa: PLC0415  (200 ms that --help does not need)

    if choice:
        message = "--status and --type choose quests, and entries of the audit have none"
        raise UsageMistake(message, hint="leave --status out, and --type")
    before, log = invocation.now() - read_length(age), AuditLog(invocation.store, invocation.settings.namespace)
    matched, deleted = log.count(before), 0
    if matched and not dry_run:
        confirm(f"Delete {_entries(matched)} of more than {age} ago?", yes=yes)
        while gone := log.prune(before, invocation.actor, reason=reason):
            deleted += gone
    _tell(invocation, matched=matched, deleted=deleted, dry_run=dry_run, counted=_entries)


def _terminal(statuses: Sequence[str]) -> list[ExecutionStatus]:
    allowed = sorted(status.value for status in TERMINAL)
    for status in statuses:
        if status not in allowed:
            raise UsageMistake(f"{status!r} is not how a quest ends", hint=suggestion(status, allowed, kind="statuses"))
    return [ExecutionStatus(status) for status in statuses]


def _tell(invocation: Invocation, *, matched: int, deleted: int, dry_run: bool, counted: Counted = count) -> None:
    data = {"matched": matched, "deleted": deleted, "dry_run": dry_run}
    text = f"{counted(matched)} would be deleted." if dry_run else f"{counted(deleted)} deleted."
    invocation.answer(data, lambda: text)


def _entries(number: int) -> str:
    """Return how many entries of the audit these are."""
    return "1 entry of the audit" if number == 1 else f"{number:,} entries of the audit"
