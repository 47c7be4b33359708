"""The schema's version: looked up cheaply at each start, changed by the migrations shipped in this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from questline_persistence.errors import ConfigurationError
from questline_persistence.schema.prepared import PreparedSchema
from questline_persistence.store import Database

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision; a test compares it with the migrations, which are slow to import.
HEAD = "0013"
#: The revision that the next release may bring while this one still runs.
NEXT = f"{int(HEAD) + 1:04d}"
#: Where Alembic notes the revision; its default name is left to the application whose database this may be.
VERSION_TABLE = "questline_version"


def current(database: Database) -> str | None:
    """Return the revision of the database, or None where questline has no tables yet; looking makes no file."""
    return None if database.missing else database.read(_revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  (a constant)


def ensure(database: Database, *, auto_migrate: bool = False) -> None:
    """Make sure that the database has the schema this version needs.

    A store that no server keeps is created and migrated on the way; another one only with `auto_migrate`.

    A schema that is one revision newer is accepted: each migration leaves the release before it working, so that
    two releases can run side by side while one replaces the other.

    Raises:
      ConfigurationError: the schema is older than this version of questline, or newer by more than one revision.
    """
    found = current(database)
    older = found is None or found < HEAD
    if found is None and database.in_memory:
        _prepared.copy_to(database)
    elif older and (database.dialect.is_embedded or auto_migrate):
        migrate(database)
    else:
        _refuse_other(database, found)


def require(database: Database) -> None:
    """Check that the database has a schema that this version can use; it changes nothing.

    Raises:
      ConfigurationError: as of `ensure`.
    """
    _refuse_other(database, current(database))


def _refuse_other(database: Database, found: str | None) -> None:
    """Raise ConfigurationError unless the revision that was found is one that this version can use."""
    if found in {HEAD, NEXT}:
        return
    if found is not None and found > HEAD:
        message = f"the database {database.name} has schema {found}, newer than this questline knows ({HEAD})"
        raise ConfigurationError(message, hint="upgrade questline on this machine")
    state = "has no questline schema" if found is None else f"has schema {found}; this questline needs {HEAD}"
    raise ConfigurationError(f"the database {database.name} {state}", hint="run: questline db upgrade")


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`."""
    database = Database(url)
    try:
        migrate(database, revision)
    finally:
        database.close()


def migrate(database: Database, revision: str = "head") -> None:
    """Bring `database` up to `revision`; doing so twice, or in two processes at once, is harmless."""
    from alembic import command  # noqa: PLC0415  (160 ms that only migrations need)

    database.dialect.check_encoding(database)
    now = database.clock.now()

    def work(connection: Connection) -> None:
        command.upgrade(_config(connection, now), revision)

    _change(database, work)


_prepared = PreparedSchema(migrate)


def _change(database: Database, work: Callable[[Connection], object]) -> None:
    """Change the schema in one transaction."""
    from questline_persistence.schema.metadata import METADATA  # noqa: PLC0415  (as in `drift`)

    database.dialect.change_schema(database, work, tables=METADATA.tables.keys())


def downgrade(database: Database, revision: str) -> None:
    """Take `database` down to `revision`; "base" removes every table of questline."""
    from alembic import command  # noqa: PLC0415  (160 ms that only migrations need)

    now = database.clock.now()
    _change(database, lambda connection: command.downgrade(_config(connection, now), revision))


def history() -> list[tuple[str, str]]:
    """Return (revision, what it does) of all migrations, newest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (160 ms that only migrations need)

    script = ScriptDirectory.from_config(_config(None))
    return [(entry.revision, (entry.doc or "").strip()) for entry in script.walk_revisions()]


def drift(database: Database) -> list[str]:
    """Return the differences between the database and the tables this version declares."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  (160 ms that only migrations need)
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from questline_persistence.schema.metadata import METADATA  # noqa: PLC0415

    def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in METADATA.tables

    def work(connection: Connection) -> list[str]:
        options = {"compare_type": True, "compare_server_default": False, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return [str(difference) for difference in compare_metadata(context, METADATA)]

    return database.read(work)


def _config(connection: Connection | None, now: float | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415  (160 ms that only migrations need)

    config = Config(attributes={"connection": connection, "now": now})
    # Alembic reads options as ConfigParser does, where a % in a path means something.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
