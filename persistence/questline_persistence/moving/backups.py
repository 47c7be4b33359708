"""Backups of a whole store: made while everybody goes on, brought back while nobody is there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from questline_persistence import schema
from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.moving.copying import refuse_workers
from questline_persistence.moving.new_file import new_file
from questline_persistence.schema import METADATA, VERSION_TABLE
from questline_persistence.store import Database


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup.

    Parameters:
      file: where it is.
      database: the store that it is of.
      bytes: how large it is.
      revision: the schema that it has.
    """

    file: str
    database: str
    bytes: int
    revision: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


def back_up(database: Database, path: Path, *, actor: Actor, namespace: str, replace: bool = False) -> Backup:
    """Write the whole store, all namespaces of it, into a file, as it is at one moment; the audit notes it.

    Parameters:
      database: the store; its schema is that of this version.
      path: the file; only this user can read it.
      actor: on whose behalf, as the audit tells it.
      namespace: the tenant in whose audit it is noted.
      replace: whether a file that is there may be replaced.

    Raises:
      PayloadError: there is no such folder.
      QuestConflict: the file is there already.
      ConfigurationError: the store is in memory, or `pg_dump` is not installed.
      StoreUnavailable: the store did not answer.
    """
    with new_file(path, replace=replace) as part:
        database.access.back_up(lambda: database.engine, part, [VERSION_TABLE, *METADATA.tables])
    _note(database, actor, namespace, AuditVerb.BACKUP, path)
    return Backup(str(path), database.name, path.stat().st_size, schema.current(database))


def restore(database: Database, path: Path, *, actor: Actor, namespace: str, replace: bool = False) -> Backup:
    """Bring a store back as a backup holds it; what was done since is gone.

    Parameters:
      database: the store.
      path: the backup, of the same kind of database.
      actor: on whose behalf, as the audit tells it.
      namespace: the tenant in whose audit it is noted.
      replace: whether a store that is there may be replaced.

    Raises:
      PayloadError: it is no backup of such a store.
      QuestConflict: there is a store, and `replace` was not given; or workers are alive in it.
      ConfigurationError: `pg_restore` is not installed, or the backup's schema is one that this version does not know.
      StoreUnavailable: the store did not answer.
    """
    if not path.is_file():
        raise PayloadError(f"{path} is no file", hint="name a file that `questline backup` has written")
    found = schema.current(database)
    if found is not None:
        if not replace:
            message = f"there is a store at {database.name} already"
            raise QuestConflict(message, hint="add --replace, or name another database")
        database.read(lambda connection: refuse_workers(connection, database))

    older = METADATA.tables.keys() - database.access.look_at_backup(path)
    if older and found is not None and not database.dialect.is_embedded:
        message = f"{path} is of an older schema, and {database.name} has tables that it does not know"
        raise QuestConflict(message, hint="remove them first: questline db downgrade base")
    database.access.restore(lambda: database.engine, path)
    database.close()  # what is open knows nothing of that
    restored = schema.current(database)
    if database.dialect.is_embedded or restored == schema.HEAD:
        schema.ensure(database)
        _note(database, actor, namespace, AuditVerb.BRING_BACK, path)
    return Backup(str(path), database.name, path.stat().st_size, restored)


def _note(database: Database, actor: Actor, namespace: str, verb: AuditVerb, path: Path) -> None:
    now, subject = database.clock.now(), str(path.absolute())
    database.write(lambda connection: note(connection, actor, namespace, verb, now=now, subject=subject), at="save")
