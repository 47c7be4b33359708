"""The table of migrations, for those who look: which were applied and taken back, and when.

Alembic's own note says where the schema stands. The table came with migration 0005; those before it are noted together
with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, inspect, select, update

from questline_persistence.clock import rfc3339
from questline_persistence.schema.memory_tables import migrations

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, MigrationInfo


def note_migration(
    ctx: MigrationContext,
    step: MigrationInfo,
    heads: Collection[Any],  # noqa: ARG001  (Alembic's)
    run_args: Mapping[str, Any],  # noqa: ARG001
    *,
    now: float,
) -> None:
    """Note that a migration was applied, or taken back; Alembic calls it after each, in the same transaction.

    Parameters:
      ctx: has the connection.
      step: what was done.
      heads: what the database is at now.
      run_args: what the migrations were started with.
      now: the database's time in epoch seconds.
    """
    connection = ctx.connection
    if connection is None or not inspect(connection).has_table(migrations.name):
        return
    changed, *before = _back_from(step)
    if step.is_upgrade:
        _note([*before, changed], connection, rfc3339(now))
        _mark(changed, connection, applied_at=rfc3339(now), reverted_at=None)
    else:
        _mark(changed, connection, reverted_at=rfc3339(now))


def _back_from(step: MigrationInfo) -> Iterator[dict[str, str]]:
    """Yield the names of a step's migration and of its parts, by version, and then those of all before it."""
    script: Any = step.up_revision
    while script is not None:
        parts = enumerate(getattr(script.module, "parts", ()), start=1)
        yield {script.revision: script.doc, **{f"{script.revision}.{number}": name for number, name in parts}}
        script = step.revision_map.get_revision(script.down_revision) if script.down_revision else None


def _note(scripts: list[dict[str, str]], connection: Connection, stamp: str) -> None:
    """Note those that are not noted yet."""
    noted = set(connection.execute(select(migrations.c.version)).scalars())
    names = {version: name for script in scripts for version, name in script.items() if version not in noted}
    if names:
        rows = [{"version": version, "name": name, "applied_at": stamp} for version, name in sorted(names.items())]
        connection.execute(insert(migrations), rows)


def _mark(script: dict[str, str], connection: Connection, **times: str | None) -> None:
    connection.execute(update(migrations).where(migrations.c.version.in_([*script])).values(times))
