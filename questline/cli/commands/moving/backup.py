"""`questline backup` and `questline restore`: a whole store into a file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from questline.cli import options
from questline.cli.bulk import confirm
from questline.cli.command import command
from questline.cli.display import output
from questline.cli.invocation import Invocation


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "backup", panel=panel, example="questline backup /backups/quests-monday.db")(backup)
    command(app, "restore", panel=panel, example="questline restore /backups/quests-monday.db --replace -y")(restore)


def backup(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE", show_default=False)],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a file that is there.", show_default=False)
    ] = False,
) -> None:
    """Write the whole store, with all namespaces, into a file, as it is at one moment. Workers go on meanwhile.

    Of SQLite it is a database file. Of PostgreSQL it holds the tables of questline, in the format of pg_dump, which
    must be installed.
    """
    from questline_persistence.moving import back_up  # noqa: PLC0415  (200 ms that --help does not need)

    namespace = invocation.settings.namespace
    done = back_up(invocation.store, file, actor=invocation.actor, namespace=namespace, replace=replace)
    invocation.answer(done.to_json(), lambda: f"{done.database} is in {done.file} ({done.bytes:,} bytes)")


def restore(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="A file that `backup` has written.", metavar="FILE", show_default=False)],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the store that is there.", show_default=False)
    ] = False,
    yes: options.Yes = False,
) -> None:
    """Bring the whole store back as a backup holds it. Stop the workers first; what was done since is gone."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)
    from questline_persistence.moving import restore as bring_back  # noqa: PLC0415

    database = invocation.database
    if replace and schema.current(database) is not None:
        confirm(f"Replace all that is in {database.name}?", yes=yes, hint="add --yes, once you have a backup of that")
    namespace = invocation.settings.namespace
    done = bring_back(database, file, actor=invocation.actor, namespace=namespace, replace=replace)
    if done.revision != schema.HEAD and not database.dialect.is_embedded:
        output.note(f"Its schema is {done.revision}. Run: questline db upgrade")
    invocation.answer(done.to_json(), lambda: f"{done.database} is as in {done.file}")
