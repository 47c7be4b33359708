"""`questline db`: the schema of the store."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options
from questline.cli.bulk import confirm
from questline.cli.command import command, new_app
from questline.cli.display import formatting, output
from questline.cli.invocation import Invocation
from questline_persistence.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from questline_persistence.store import Database

#: Differences that an error names; there may be hundreds.
MAX_NAMED = 5


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Bring the schema of the store up to date, or look at it.")
    command(group, "upgrade", example="questline db upgrade --database-url postgresql://localhost/quests")(upgrade)
    command(group, "downgrade", example="questline db downgrade base -y")(downgrade)
    command(group, "current", example="questline db current -o json")(current)
    command(group, "history", example="questline db history")(history)
    command(group, "check", example="questline db check && questline worker")(check)
    copy_example = "questline db copy --from sqlite:///.questline/questline.db --to postgresql://localhost/quests"
    command(group, "copy", example=copy_example)(copy)
    app.add_typer(group, name="db", rich_help_panel=panel)


def upgrade(
    invocation: Invocation,
    revision: Annotated[str, typer.Argument(help="Revision to upgrade to.", metavar="REVISION")] = "head",
) -> None:
    """Bring the schema up to date. You may do so twice, or on two machines at once."""
    from questline_persistence import schema  # noqa: PLC0415  (200 ms that --help does not need)

    before = schema.current(invocation.database)
    _known(revision)
    schema.migrate(invocation.database, revision)
    _tell(invocation, before)


def downgrade(
    invocation: Invocation,
    revision: Annotated[
        str,
        typer.Argument(
            help="Revision to go back to; `base` removes every table.", metavar="REVISION", show_default=False
        ),
    ],
    yes: options.Yes = False,
) -> None:
    """Take the schema back to an earlier revision. The data that only the newer revision can hold is lost."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    before = schema.current(invocation.database)
    _known(revision)
    if before is None:
        raise ConfigurationError(f"the database {invocation.database.name} has no schema to take back")
    question = f"Take the schema of {invocation.database.name} back to {revision}? Data will be lost."
    confirm(question, yes=yes, hint="add --yes, once you have a copy of your data")
    schema.downgrade(invocation.database, revision)
    _tell(invocation, before)


def current(invocation: Invocation) -> None:
    """Show which revision the store has, and which this version of questline needs."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    found = schema.current(invocation.database)
    data = {"database": invocation.database.name, "revision": found, "head": schema.HEAD}
    invocation.answer(data, lambda: f"{found or 'no schema'} (this questline needs {schema.HEAD})")


def history(invocation: Invocation) -> None:
    """List all revisions, newest first."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    rows = schema.history()
    invocation.answer_items(
        [{"revision": revision, "description": text} for revision, text in rows],
        lambda: formatting.table("Revision", "What it does", rows=rows),
        empty="There is no revision.",
    )


def check(invocation: Invocation) -> None:
    """Check that the store has exactly the schema that this version needs; exit with 7 if not."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    require_head(invocation.database)
    if differences := schema.drift(invocation.database):
        named = "; ".join(differences[:MAX_NAMED])
        message = f"the schema of {invocation.database.name} differs in {len(differences)} places: {named}"
        raise ConfigurationError(message, hint="somebody changed it by hand; undo that, or restore a backup")
    data = {"database": invocation.database.name, "revision": schema.HEAD, "head": schema.HEAD, "differences": []}
    invocation.answer(data, lambda: f"{schema.HEAD}: as it should be")


def copy(
    invocation: Invocation,
    *,
    to: Annotated[str, typer.Option(help="The database to fill; it must be empty.", metavar="URL", show_default=False)],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="The database to read. Default: that of the settings.", metavar="URL", show_default=False
        ),
    ] = None,
) -> None:
    """Copy everything to an empty database, of whatever kind: quests, live ones too, memory, audit, keys, batches.

    Stop the workers first: while one is alive, nothing is copied. Meanwhile nobody else writes the database that is
    read. All of it is copied, or nothing.
    """
    from questline_persistence.moving import copy_store  # noqa: PLC0415  (as above)
    from questline_persistence.store import open_database  # noqa: PLC0415

    chosen = invocation.settings
    with closing(open_database(from_, chosen)) as source, closing(open_database(to, chosen)) as target:
        if source.missing:
            raise StoreUnavailable(f"there is no database at {source.name}", hint="correct --from")
        done = copy_store(
            source,
            target,
            actor=invocation.actor,
            namespace=chosen.namespace,
            tell=lambda table, rows: output.note(f"{table}: {rows:,}"),
        )
    invocation.answer(done.to_json(), lambda: f"{sum(done.rows.values()):,} rows copied to {done.target}")


def require_head(database: Database) -> None:
    """Check the revision of a store without changing it.

    Raises:
      ConfigurationError: it has another schema than this version needs, or none.
    """
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    found = schema.current(database)
    if found != schema.HEAD:
        newer = found is not None and found > schema.HEAD
        what = "no questline schema" if found is None else f"schema {found}"
        message = f"the database {database.name} has {what}; this questline needs {schema.HEAD}"
        raise ConfigurationError(message, hint="upgrade questline" if newer else "run: questline db upgrade")


def _known(revision: str) -> None:
    """Raise ConfigurationError where there is no such revision."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    names = ["head", "base", *(name for name, _ in schema.history())]
    if revision not in names:
        raise ConfigurationError(f"there is no revision {revision!r}", hint=f"one of: {', '.join(names)}")


def _tell(invocation: Invocation, before: str | None) -> None:
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    after = schema.current(invocation.database)
    data = {"database": invocation.database.name, "from": before, "revision": after, "head": schema.HEAD}
    if before == after:
        output.note("Nothing was to do.")
    invocation.answer(data, lambda: f"{before or 'no schema'} → {after or 'no schema'}")
