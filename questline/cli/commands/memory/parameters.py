"""The arguments and options that commands on what Lords remember share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from questline.cli.completion import complete_agent_id

#: Things on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 1_000
#: The highest version that is looked for.
MAX_VERSION = 999_999_999

Prefix: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--prefix",
        help="Key prefix: the `key_prefix` of the program that keeps it. Default: none.",
        metavar="NAME",
        show_default=False,
    ),
]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", "-l", help="Most to show.", min=1, max=MAX_PAGE)]
Cursor: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cursor", help="Show what follows a page: give its next_cursor.", metavar="CURSOR", show_default=False
    ),
]
Version: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--version", "-v", help="Show this version, not the newest.", min=1, max=MAX_VERSION, show_default=False
    ),
]
Agent: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="The agent's id (of a quest's own: QUEST/NAME), its beginning or its end, or @last.",
        metavar="AGENT",
        autocompletion=complete_agent_id,
        show_default=False,
    ),
]
Session: TypeAlias = Annotated[
    str | None,
    typer.Option("--session", help="Only of this session (of a quest's own: the quest's id).", metavar="ID"),
]
Query: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help="Words that must all be there: WORD, BEGINNING*, '\"A PHRASE\"'. With -WITHOUT, quote all of it.",
        metavar="WORD...",
        show_default=False,
    ),
]
