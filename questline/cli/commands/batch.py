"""`questline batch`: one verb over all quests that a filter means, carried out by workers and schedulers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, paging, times
from questline.cli.bulk import confirm, count
from questline.cli.command import command, new_app
from questline.cli.display import Output, formatting, output
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import FilterWords
from questline.cli.values import read_values

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.batches import Batch, BatchPreview

#: Items on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 1_000

_BatchId = Annotated[
    str, typer.Argument(help="The batch's id, as batch list shows it.", metavar="BATCH_ID", show_default=False)
]
_Limit = Annotated[int, typer.Option("--limit", "-l", help="Most items to show.", min=1, max=MAX_PAGE)]
_Cursor = Annotated[
    str | None,
    typer.Option(help="Show what follows a page: give its next_cursor.", metavar="CURSOR", show_default=False),
]
_Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        help="Make it at most once: the same key gives the same batch.",
        metavar="KEY",
        show_default=False,
    ),
]
_Wait = Annotated[
    bool, typer.Option("--wait", "-w", help="Wait until the batch ends, and show how far it is.", show_default=False)
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Do one verb to many quests, in the background: workers and schedulers carry it out.")
    create_example = (
        'questline batch create retry --error "connection refused" --since 2h -y --wait\n'
        "questline batch create replay --type mail --from mailer --set input_data.lang=en --dry-run"
    )
    command(group, "create", example=create_example)(create)
    command(group, "list", example="questline batch list")(list_batches)
    command(group, "show", example="questline batch show 019ad2c1-…")(show)
    command(group, "results", example="questline batch results 019ad2c1-… --outcome refused")(results)
    command(group, "abort", example='questline batch abort 019ad2c1-… --reason "wrong ones"')(abort)
    app.add_typer(group, name="batch", rich_help_panel=panel)


def create(
    invocation: Invocation,
    verb: Annotated[
        str,
        typer.Argument(
            help="What to do to each quest: pause, resume, cancel, retry, replay or delete.",
            metavar="VERB",
            show_default=False,
        ),
    ],
    *,
    chosen: FilterWords,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it.", metavar="NAME", show_default=False)
    ] = None,
    key: _Key = None,
    start: options.StartFrom = None,
    corrections: options.Corrections = None,
    keep_state: options.KeepState = False,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    wait: _Wait = False,
    timeout: options.Timeout = None,
) -> None:
    """Do a verb to all quests that a filter means, and that were made by now; at most 100,000, the oldest first.

    Without --status, it means quests in which the verb can be done. Each quest is done in a transaction of its own, and
    has a result. A batch goes on where a process died, and needs this terminal no longer.

    --from, --set and --keep-state are for replay. With --wait, a batch in which a quest was refused exits with 5.
    """
    if timeout is not None and not wait:
        raise UsageMistake("--timeout is for --wait", hint="add --wait, or leave --timeout out")
    batches, filtered = invocation.client.batches, chosen.read(invocation)
    order = {
        "from_": start,
        "set": read_values(corrections or (), "--set", "PATH=JSON"),
        "keep_state": keep_state,
    }
    found = batches.preview(verb, filtered, **order)  # type: ignore[arg-type]  # options of several types
    if dry_run:
        invocation.answer(found.to_json(), lambda: _told(found))
        return
    output.note(f"{_number(found)} {'matches' if found.total == 1 else 'match'}.")
    confirm(f"{verb.capitalize()} {_number(found)}?", yes=yes)
    made = batches.create(verb, filtered, name=name, reason=reason, idempotency_key=key, **order)  # type: ignore[arg-type]  # as above
    if wait:
        _finish(invocation, made.batch_id, timeout)
    elif invocation.output is Output.TEXT:
        output.write(made.batch_id)
        output.note(
            f"Workers and schedulers carry it out. To see how far it is, run: questline batch show {made.batch_id}"
        )
    else:
        output.write_json(made.to_json(), invocation.output)


def list_batches(invocation: Invocation, *, limit: _Limit = PAGE, cursor: _Cursor = None) -> None:
    """List the batches, newest first, with how far they have come. Ended ones are removed after 30 days."""
    page = invocation.client.batches.list(limit=limit, cursor=cursor)
    more = page.next_cursor and paging.next_page(
        invocation, ["batch", "list"], page.next_cursor, limit=limit, usual=PAGE
    )
    invocation.answer_items(
        [batch.to_json() for batch in page.items],
        lambda: paging.with_more(_table(page.items, invocation.now()), more),
        empty="There is no batch. How to make one: questline batch create --help",
        next_cursor=page.next_cursor,
    )


def show(invocation: Invocation, batch_id: _BatchId) -> None:
    """Show a batch: what it does, and how far it has come."""
    _show(invocation, invocation.client.batches.get(batch_id))


def results(
    invocation: Invocation,
    batch_id: _BatchId,
    *,
    outcome: Annotated[
        str | None,
        typer.Option(help="Only these: changed, unchanged, refused or failed.", metavar="OUTCOME", show_default=False),
    ] = None,
    limit: _Limit = PAGE,
    cursor: _Cursor = None,
) -> None:
    """List what came of each quest of a batch, in the order of the work."""
    page = invocation.client.batches.results(batch_id, outcome=outcome, limit=limit, cursor=cursor)
    words = ["batch", "results", batch_id, *([] if outcome is None else ["--outcome", outcome])]
    more = page.next_cursor and paging.next_page(invocation, words, page.next_cursor, limit=limit, usual=PAGE)
    rows = [(one.quest_id, formatting.word(one.outcome), one.code or "-", one.message or "-") for one in page.items]
    invocation.answer_items(
        [result.to_json() for result in page.items],
        lambda: paging.with_more(
            formatting.table("Quest", "Outcome", "Code", "Why", rows=rows, spare=("Why", "Code")), more
        ),
        empty="No quest has such a result.",
        next_cursor=page.next_cursor,
    )


def abort(invocation: Invocation, batch_id: _BatchId, *, reason: options.Reason = None) -> None:
    """Stop a batch: from now on it does nothing more. What it has done stays."""
    _show(invocation, invocation.client.batches.abort(batch_id, reason))


def _finish(invocation: Invocation, batch_id: str, timeout: float | None) -> None:
    """Wait for a batch with its progress on stderr, show it, and exit with what came of it."""
    from questline_scheduler.client import BatchWait  # noqa: PLC0415  (200 ms that --help does not need)

    batches, told = invocation.client.batches, ""
    wait = BatchWait(batches, batch_id, timeout)
    while (batch := wait.look()) is None:
        line = _progress(batches.get(batch_id))
        if line != told:
            output.note(line)
        told = line
        time.sleep(wait.pause)
    _show(invocation, batch)
    numbers = batch.to_json()
    if numbers["failed"] or numbers["refused"]:
        code = ExitCode.UNEXPECTED if numbers["failed"] else ExitCode.CONFLICT
        output.note(f"Hint: to see why, run: questline batch results {batch_id} --outcome refused")
        raise typer.Exit(code)
    if numbers["state"] == "aborted":
        raise typer.Exit(ExitCode.QUEST_STOPPED)


def _show(invocation: Invocation, batch: Batch) -> None:
    invocation.answer(batch.to_json(), lambda: _facts(batch, invocation.now()))


def _facts(batch: Batch, now: float) -> RenderableType:
    told = batch.to_json()
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in batch.outcomes.items() if number)
    rows = [
        ("Batch", batch.batch_id),
        ("Name", told["name"] or "-"),
        ("Verb", told["verb"]),
        ("Quests", formatting.short(told["filter"])),
        ("State", formatting.word(told["state"])),
        ("Done", _progress(batch)),
        ("Results", outcomes or "-"),
        ("By", formatting.cut(f"{told['actor']} ({told['door']})")),
        ("Reason", formatting.cut(told["reason"] or "-")),
        ("Made", times.told(told["created_at"], now)),
        ("Ended", times.told(told["ended_at"], now)),
    ]
    return formatting.facts(rows)


def _table(batches: Sequence[Batch], now: float) -> RenderableType:
    rows = [
        [
            batch.batch_id,
            formatting.cut(batch.order.name or "-"),
            batch.order.verb.value,
            formatting.word(batch.state),
            _progress(batch),
            times.since(batch.created_at, now),
            formatting.cut(batch.by.name),
        ]
        for batch in batches
    ]
    columns = ("ID", "Name", "Verb", "State", "Done", "Made", "By")
    return formatting.table(*columns, rows=rows, numbers=("Done",), spare=("By", "Made", "Name"))


def _told(found: BatchPreview) -> RenderableType:
    rows = [[quest_id] for quest_id in found.quest_ids]
    if len(rows) < found.total:
        rows.append([f"… and {found.total - len(rows):,} more"])
    return formatting.table(f"{_number(found)} would be meant", rows=rows)


def _progress(batch: Batch) -> str:
    return f"{batch.done:,}/{batch.total:,}"


def _number(found: BatchPreview) -> str:
    """Return how many quests are meant; of more than a batch reaches, that it reaches the oldest."""
    return f"the oldest {count(found.total)}" if found.total_capped else count(found.total)
