"""`questline stats`, `lords` and `namespaces`: how quests and Lords have fared, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import times
from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from questline_persistence.costs import Costs
    from questline_persistence.records import LordStatistics

#: What counters are called that users know by another word.
_TOLD = {"claims_freed": "steps freed", "results_fenced": "late results", "redispatched": "wake-ups resent"}


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "stats", panel=panel, example="questline stats -o json")(stats)
    command(app, "lords", panel=panel, example="questline lords --lord architect")(lords)
    command(app, "namespaces", panel=panel, example="questline namespaces")(namespaces)


def stats(
    invocation: Invocation,
    over: Annotated[
        str | None,
        typer.Option(
            help="Show instead how many quests ended over time: over an hour by minutes, or over a day by hours.",
            metavar="hour|day",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show how many quests have each status, how long the newest ones took, and what questline recovered from.

    Counts stop at 100,000 quests of a status; durations are those of the newest 5,000 quests. The counters count
    since the beginning of the store: lost workers, steps freed from them or from attempts that timed out, results that
    came too late and were dropped, and wake-ups sent again. The cost is what the quests that are there have spent.
    """
    if over is not None:
        _tell_over(invocation, over)
        return
    found, counters = invocation.statistics.quests(), invocation.repository.get_counters()
    data = found.to_json()
    cost = _costs(invocation).total()
    open_ended = {*found.capped, "total_quests"} if found.capped else frozenset()
    rows = [_stat(*item, open_ended=item[0] in open_ended) for item in (*data.items(), *counters.items())]
    if cost != type(cost)():
        rows.append(("cost", f"${cost.usd:,.4f}, {cost.tokens:,} tokens"))
    invocation.answer(
        data | {"counters": counters, "cost": cost.to_json()},
        lambda: formatting.table("What", "Value", rows=rows, numbers=("Value",)),
    )


def _tell_over(invocation: Invocation, over: str) -> None:
    """Show how many quests were completed and failed in each part of a span in which any ended."""
    from questline_persistence.records import Span, throughput_of  # noqa: PLC0415  (as below)

    if over not in [*Span]:
        raise UsageMistake(f"--over is hour or day, not {over:.40}")
    own = (invocation.store, invocation.settings.namespace)
    found, now = throughput_of(*own, Span(over), invocation.now()), invocation.now()
    rows = [(times.ago(one.since, now), one.completed, one.failed) for one in found.buckets if one[1:] != (0, 0)]
    invocation.answer(
        found.to_json(),
        lambda: formatting.table("Began", "Completed", "Failed", rows=rows, numbers=("Completed", "Failed")),
    )


def lords(
    invocation: Invocation,
    lord: Annotated[
        str | None,
        typer.Option(help="Only this Lord (the name, without its tool).", metavar="NAME", show_default=False),
    ] = None,
) -> None:
    """Show how your step functions fare, per Lord and tool: success in percent and durations of the newest attempts.

    It looks at up to 1,000 attempts of a Lord. In the JSON form `cost` is what the Lord has spent with all its tools.
    """
    found = invocation.statistics.lords(lord)
    spent = _costs(invocation).of_lords()
    invocation.answer_items(
        [each.to_json() | {"cost": spent[each.lord_name].to_json()} for each in found],
        lambda: formatting.table(
            "Lord",
            "Tool",
            "Runs",
            "Errors",
            "Success",
            "Average",
            "Longest",
            rows=[_lord_row(each) for each in found],
            numbers=("Runs", "Errors", "Success", "Average", "Longest"),
            spare=("Longest", "Errors", "Average", "Runs"),
        ),
        empty=f"No step of a Lord named {lord} has run yet." if lord else "No step has run yet.",
    )


def namespaces(invocation: Invocation) -> None:
    """List the namespaces that have quests."""
    from questline_persistence.records import namespaces_of  # noqa: PLC0415  (200 ms that --help does not need)

    found = namespaces_of(invocation.store)
    invocation.answer_items(
        [{"namespace": name} for name in found],
        lambda: formatting.table("Namespace", rows=[(name,) for name in found]),
        empty="There is no quest yet in any namespace.",
    )


def _costs(invocation: Invocation) -> Costs:
    from questline_persistence.costs import Costs  # noqa: PLC0415  (200 ms that --help does not need)

    return Costs(invocation.store, invocation.settings.namespace)


def _stat(name: str, value: Any, *, open_ended: bool) -> tuple[object, str]:
    """Return the row of one number: what it counts, in the words of users, and how many."""
    shown = times.length(value) if name.endswith("_seconds") else f"{value:,}{'+' if open_ended else ''}"
    return formatting.word(_TOLD.get(name) or name.removesuffix("_seconds").replace("_", " ")), shown


def _lord_row(found: LordStatistics) -> list[object]:
    return [
        found.lord_name,
        found.tool_name,
        f"{found.total_runs:,}",
        f"{found.errors:,}",
        "-" if found.success_rate is None else f"{found.success_rate:.1f} %",
        times.length(found.avg_duration_seconds),
        times.length(found.max_duration_seconds),
    ]
