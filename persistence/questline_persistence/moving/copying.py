"""Copying a whole store into an empty one, of whatever kind: live quests, memory, audit and keys, batches, counters.

The one transaction that reads keeps everybody else from writing meanwhile, and no worker may be alive: so nothing goes
on in the old store that the new one does not know. The one that writes makes all of it, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.errors import ConfigurationError, QuestConflict
from questline_persistence.moving.words import SEARCHED, add_words
from questline_persistence.schema import HEAD, METADATA, current, memory_texts, migrate, migrations, workers
from questline_persistence.states import WorkerState
from questline_persistence.store import Database

#: How many rows are read and inserted at a time.
COPIED = 500
#: The tables whose rows are copied, those that others name first. Words are made anew, and a store notes its own
#: migrations.
TABLES = [table for table in METADATA.sorted_tables if table not in {memory_texts, migrations}]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied.

    Parameters:
      source: the store that was read.
      target: the store that was empty.
      rows: how many rows each table has.
    """

    source: str
    target: str
    rows: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


def copy_store(
    source: Database,
    target: Database,
    *,
    actor: Actor,
    namespace: str,
    tell: Callable[[str, int], object] = lambda _table, _rows: None,
) -> Copied:
    """Copy everything from one store to an empty one, and note it in the new one's audit.

    Parameters:
      source: the store to read; nobody else writes it meanwhile.
      target: the empty store; its tables are made if it has none.
      actor: on whose behalf, as the audit tells it.
      namespace: the tenant in whose audit it is noted.
      tell: called with the name and the number of rows of each table that was copied.

    Raises:
      ConfigurationError: a store has another schema than this version needs, or both are one.
      QuestConflict: workers are alive in the source, or the target is not empty.
      StoreUnavailable: a store does not answer, or somebody keeps it from being locked.
    """
    if source.url == target.url or (source.file is not None and source.file == target.file):
        raise ConfigurationError(f"{source.name} cannot be copied to itself", hint="name another database with --to")
    _require_head(source)
    if current(target) is None:
        migrate(target)
    _require_head(target)
    target.read(lambda connection: _refuse_rows(connection, target))

    def read(out: Connection) -> dict[str, int]:
        source.dialect.keep_to_itself(out, [table.name for table in METADATA.sorted_tables])
        refuse_workers(out, source)

        def write(into: Connection) -> dict[str, int]:
            target.dialect.keep_to_itself(into, [table.name for table in METADATA.sorted_tables])
            _refuse_rows(into, target)
            rows = {str(table.name): _copy(out, into, table, (source, target)) for table in TABLES}
            for name, number in rows.items():
                tell(name, number)
            _copy_words(out, into)
            own = (into, actor, namespace, AuditVerb.COPY)
            note(*own, now=target.clock.now(), subject=source.name, outcome={"rows": sum(rows.values())})
            return rows

        return target.write(write, at="save", repeatable=False, tries=1)

    return Copied(source.name, target.name, source.write(read, at="save", tries=1))


def _require_head(database: Database) -> None:
    found = current(database)
    if found != HEAD:
        what = "no questline schema" if found is None else f"schema {found}"
        message = f"the database {database.name} has {what}; this questline copies {HEAD}"
        raise ConfigurationError(message, hint="run: questline db upgrade --database-url …")


def refuse_workers(connection: Connection, source: Database) -> None:
    """Raise QuestConflict while a worker of any namespace may still write.

    Parameters:
      connection: that of a transaction.
      source: the store.
    """
    alive = (workers.c.state == WorkerState.LIVE, workers.c.lease_until > source.clock.now())
    number = connection.execute(select(func.count()).select_from(workers).where(*alive)).scalar_one()
    if number:
        told = "a worker process runs" if number == 1 else f"{number:,} worker processes run"
        message = f"{told} on {source.name}, or ended without a word some seconds ago"
        raise QuestConflict(message, hint="stop the workers first; after a crash, wait until their lease is over")


def _refuse_rows(connection: Connection, target: Database) -> None:
    """Raise QuestConflict unless the store is empty."""
    for table in TABLES:
        if connection.execute(select(1).select_from(table).limit(1)).first() is not None:
            message = f"the database {target.name} is not empty: there are rows in {table.name}"
            raise QuestConflict(message, hint="name an empty database")


def _copy(out: Connection, into: Connection, table: Table, stores: tuple[Database, Database]) -> int:
    """Copy a table with the numbers of its rows; return how many these are."""
    source, target = stores
    count = 0
    with out.execute(select(table), execution_options={"yield_per": COPIED}) as rows:
        for part in rows.mappings().partitions():
            into.execute(insert(table), [dict(row) for row in part])
            count += len(part)
    for column in table.primary_key:
        if column.autoincrement is True:
            own = (table.name, str(column.name))
            target.dialect.number_on(into, *own, after=source.dialect.numbered_to(out, *own))
    return count


def _copy_words(out: Connection, into: Connection) -> None:
    """Make the rows found by their words that are so in the source, in the same order."""
    for part in _texts(out):
        for kind, rows in groupby(part, key=lambda row: row[0]):
            if kind in SEARCHED:
                add_words(into, kind, [row_id for _, row_id in rows])


def _texts(out: Connection) -> Iterator[list[tuple[str, int]]]:
    query = select(memory_texts.c.kind, memory_texts.c.ref_id).order_by(memory_texts.c.text_id)
    with out.execute(query, execution_options={"yield_per": COPIED}) as rows:
        for part in rows.partitions():
            yield [(row.kind, row.ref_id) for row in part]
