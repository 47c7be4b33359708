"""The arguments and options that several commands share, each written once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from questline.cli.completion import complete_quest_id, complete_status

QuestId: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="The quest's id, its beginning or its end, @last, or @last:TYPE.",
        metavar="ID",
        autocompletion=complete_quest_id,
        show_default=False,
    ),
]
QuestIds: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        help="Ids of quests, their beginnings or ends, @last, or @last:TYPE.",
        metavar="ID...",
        autocompletion=complete_quest_id,
        show_default=False,
    ),
]
MaxAsync: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--max-async",
        help="Async steps that one process runs at a time; they keep no thread.",
        min=1,
        max=100_000,
        show_default=False,
    ),
]
Statuses: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        "-s",
        help="Only quests of this status; repeat for several.",
        metavar="STATUS",
        autocompletion=complete_status,
        show_default=False,
    ),
]
QuestType: TypeAlias = Annotated[
    str | None, typer.Option("--type", help="Only quests of this type.", metavar="TYPE", show_default=False)
]
Queue: TypeAlias = Annotated[
    str | None, typer.Option("--queue", help="Only quests of this queue.", metavar="QUEUE", show_default=False)
]
Error: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--error",
        help="Only quests whose error contains exactly this text.",
        metavar="TEXT",
        show_default=False,
    ),
]
Labels: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Only quests with this label; repeat to ask for several.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Only quests made since then: a time (ISO 8601) or an age such as 2h or 30d.",
        metavar="WHEN",
        show_default=False,
    ),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(help="Only quests made before then.", metavar="WHEN", show_default=False)
]
Reason: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="The reason; it is kept in the audit, and of a pause or a cancellation with the quest.",
        metavar="TEXT",
        show_default=False,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing, only say what would be done.", show_default=False)
]
KeepState: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--keep-state",
        help="Leave what quests share of their Lords' memory as it is; the quest's own goes back all the same.",
        show_default=False,
    ),
]
KeepOnce: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--keep-once",
        help="Serve what the steps have recorded by ctx.once, rather than make those calls anew.",
        show_default=False,
    ),
]
Wait: TypeAlias = Annotated[
    bool, typer.Option("--wait", "-w", help="Wait until the quest ends, and show how far it is.", show_default=False)
]
Timeout: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Longest wait in seconds; then exit with 124.", metavar="SECONDS", min=0, show_default=False),
]
StartFrom: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Where to start: LORD or LORD:TOOL (its second step: LORD#2 or LORD:TOOL#2), a position such as 0003, or "
        "a version such as v7. Default: the beginning.",
        metavar="POINT",
        show_default=False,
    ),
]
Corrections: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Correct the value at a path, given as JSON; repeatable.",
        metavar="PATH=JSON",
        show_default=False,
    ),
]
Modules: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        help="Modules that register Lords (your step functions). Default: the setting QUESTLINE_LORDS.",
        metavar="MODULE...",
        show_default=False,
    ),
]
MoreModules: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--module",
        "-m",
        help="Module that registers Lords and quest types; repeatable. Default: the setting QUESTLINE_LORDS.",
        metavar="MODULE",
        show_default=False,
    ),
]
