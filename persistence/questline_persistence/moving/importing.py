"""Importing: quests out of a file, each in one transaction, so that an import that broke off simply goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.errors import QuestConflict
from questline_persistence.moving.arrival import Arrival
from questline_persistence.moving.memory_rows import LESSONS, index_memory, insert_memory, memory_of
from questline_persistence.moving.quest_file import FiledQuest, QuestFileReader
from questline_persistence.moving.quest_rows import TABLES, QuestRow, in_clear, insert_rows, rows_of
from questline_persistence.schema import tombstones
from questline_persistence.store import Database

#: How many rows are inserted at a time.
INSERTED = 200


@dataclass(frozen=True, slots=True)
class ImportedQuest:
    """What became of a quest of a file.

    Parameters:
      quest_id: what it is called here.
      exported_id: what it was called where it came from.
      status: its status here.
      changed: whether it was made; False where it was there already, just as in the file.
    """

    quest_id: str
    exported_id: str
    status: str
    changed: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


class Importing:
    """Takes quests of files into one namespace.

    Quests that had not ended are paused here: nothing of them runs twice unless somebody resumes them.

    Parameters:
      database: the store.
      namespace: the tenant that the quests are to belong to.
      actor: on whose behalf, as the audit tells it.
      new_ids: whether each gets an id of its own, which depends on the file alone, instead of the one it had.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor, *, new_ids: bool = False) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor
        self.new_ids = new_ids

    def take_in(self, path: Path, *, dry_run: bool = False, reason: str | None = None) -> Iterator[ImportedQuest]:
        """Import the quests of a file, which is read to its end before anything is written; yield each.

        Parameters:
          path: the file.
          dry_run: only read it, and say what would be made.
          reason: why, as the audit tells it.

        Raises:
          PayloadError: the file is damaged or was changed, or comes from a questline that knows more.
          QuestConflict: a quest of its id is there, and is another one; those before it are imported.
        """
        file = QuestFileReader(path, self.database.limits)
        file.check()
        export_id = UUID(file.about()["export_id"])
        for filed in file.quests():
            new_id = str(uuid5(export_id, filed.quest_id)) if self.new_ids else filed.quest_id
            arrival = Arrival(str(path), filed.quest_id, new_id, self.namespace, self.database.codec)
            yield self._import(filed, arrival, dry_run=dry_run, reason=reason)

    def _import(self, filed: FiledQuest, arrival: Arrival, *, dry_run: bool, reason: str | None) -> ImportedQuest:
        tried = False

        def work(connection: Connection) -> ImportedQuest:
            nonlocal tried
            there = self._is_there(connection, filed, arrival)
            if there or dry_run:
                return self._told(filed, arrival, changed=tried or not there)
            tried = True
            self._make(connection, filed, arrival)
            own = (connection, self.actor, self.namespace, AuditVerb.IMPORT)
            note(*own, now=self.database.clock.now(), quest_id=arrival.new_id, subject=arrival.file, reason=reason)
            return self._told(filed, arrival, changed=True)

        return self.database.read(work) if dry_run else self.database.write(work, at="submit")

    @staticmethod
    def _told(filed: FiledQuest, arrival: Arrival, *, changed: bool) -> ImportedQuest:
        row = next(arrival.rows(filed))
        return ImportedQuest(arrival.new_id, filed.quest_id, row.values["status"], changed)

    def _is_there(self, connection: Connection, filed: FiledQuest, arrival: Arrival) -> bool:
        """Return whether the quest is there: just as it would be made, or just as it was where it came from."""
        if next(rows_of(connection, arrival.new_id), None) is None:
            self._refuse_buried(connection, filed, arrival)
            return False
        for at_rest in (True, False):
            there = chain(rows_of(connection, arrival.new_id), memory_of(connection, arrival.new_id))
            if _same((in_clear(arrival.codec, row) for row in there), arrival.rows(filed, at_rest=at_rest)):
                return True
        message = f"there is a quest {arrival.new_id} already, and it is not as in {arrival.file}"
        raise QuestConflict(message, hint="add --new-ids, or delete that one first")

    @staticmethod
    def _refuse_buried(connection: Connection, filed: FiledQuest, arrival: Arrival) -> None:
        """Raise QuestConflict where a later quest of this id was deleted: its idempotency keys would come again."""
        buried = connection.execute(select(tombstones).where(tombstones.c.quest_id == arrival.new_id)).first()
        row = next(arrival.rows(filed)).values
        if buried is not None and (buried.epoch, buried.fence) > (row["epoch"], row["fence"]):
            message = f"a later quest {arrival.new_id} was deleted here, so that this one cannot have its id"
            raise QuestConflict(message, hint="add --new-ids")

    @staticmethod
    def _make(connection: Connection, filed: FiledQuest, arrival: Arrival) -> None:
        try:
            for table, rows in _by_table(arrival.rows(filed)):
                if table in TABLES:
                    insert_rows(connection, table, rows)
                else:
                    insert_memory(connection, table, rows)
        except IntegrityError as error:
            message = (
                f"quest {arrival.new_id} of {arrival.file} does not fit here: an id or a key of it is used already"
            )
            raise QuestConflict(message, hint="add --new-ids") from error
        index_memory(connection, arrival.new_id)


def _same(some: Iterator[QuestRow], others: Iterator[QuestRow]) -> bool:
    """Return whether rows are the same but for lessons, which somebody may have forgotten meanwhile."""
    pairs = zip_longest(*((row for row in rows if row.table != LESSONS.name) for rows in (some, others)))
    return all(one == other for one, other in pairs)


def _by_table(rows: Iterator[QuestRow]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield rows of one table at a time, few enough for one go."""
    table, found = "", list[dict[str, Any]]()
    for row in rows:
        if found and (row.table != table or len(found) == INSERTED):
            yield table, found
            found = []
        table = row.table
        found.append(row.values)
    if found:
        yield table, found
