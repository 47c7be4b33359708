"""`questline stats` and `questline lords`: how quests and Lords have fared."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from questline.cli import times
from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.invocation import Invocation
from questline_persistence.states import ExecutionStatus


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "stats", panel=panel, example="questline stats -o json")(stats)
    command(app, "lords", panel=panel, example="questline lords --lord architect")(lords)


def stats(invocation: Invocation) -> None:
    """Show how many quests have each status, how long the newest ones took, and how many failures were recovered.

    Counts stop at 100,000 quests of a status; durations are those of the newest 5,000 quests. The counters run over all
    time. They count lost workers, steps freed from them or from attempts that timed out, results dropped because they
    came too late, and wake-ups sent again.
    """
    from questline_persistence.records import MAX_COUNTED  # noqa: PLC0415  (200 ms that --help does not need)

    found, counters = invocation.repository.get_quest_stats(), invocation.repository.get_counters()
    capped = {status.value for status in ExecutionStatus if found[status] == MAX_COUNTED}
    open_ended = capped and {*capped, "total_quests"}
    rows = [_stat(*item, open_ended=item[0] in open_ended) for item in (*found.items(), *counters.items())]
    invocation.answer(
        found | {"counters": counters},
        lambda: formatting.table("What", "Value", rows=rows, numbers=("Value",)),
    )


def lords(
    invocation: Invocation,
    lord: Annotated[
        str | None,
        typer.Option(help="Only this Lord (the name, without its tool).", metavar="NAME", show_default=False),
    ] = None,
) -> None:
    """Show how your step functions fare, per Lord and tool: success in percent and durations of the newest attempts.

    It looks at up to 1,000 attempts of a Lord.
    """
    found = invocation.repository.get_lord_stats(lord)
    invocation.answer_items(
        [dict(row) for row in found],
        lambda: formatting.table(
            "Lord",
            "Tool",
            "Runs",
            "Errors",
            "Success",
            "Average",
            "Longest",
            rows=[_lord_row(row) for row in found],
            numbers=("Runs", "Errors", "Success", "Average", "Longest"),
            spare=("Longest", "Errors", "Average", "Runs"),
        ),
        empty=f"No step of a Lord named {lord} has been run yet." if lord else "No step has been run yet.",
    )


def _stat(name: str, value: Any, *, open_ended: bool) -> tuple[object, str]:
    shown = times.length(value) if name.endswith("_seconds") else f"{value:,}{'+' if open_ended else ''}"
    return formatting.word(name.removesuffix("_seconds").replace("_", " ")), shown


def _lord_row(row: dict[str, Any]) -> list[object]:
    return [
        row["lord_name"],
        row["tool_name"],
        f"{row['total_runs']:,}",
        f"{row['errors']:,}",
        "-" if row["success_rate"] is None else f"{row['success_rate']:.1f} %",
        times.length(row["avg_duration_seconds"]),
        times.length(row["max_duration_seconds"]),
    ]
