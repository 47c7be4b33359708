"""Exporting: quests as they are at a moment, each in one consistent read, into one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import uuid4

from sqlalchemy import Connection

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.ids import not_found
from questline_persistence.moving.memory_rows import memory_of
from questline_persistence.moving.new_file import new_file
from questline_persistence.moving.quest_file import MAX_IN_MEMORY, FiledQuest, QuestFileWriter, canonical
from questline_persistence.moving.quest_rows import rows_of
from questline_persistence.schema import HEAD
from questline_persistence.store import Database

#: Most quests of one file.
MAX_EXPORTED = 10_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Parameters:
      file: the file.
      quests: how many quests are in it.
      rows: how many rows they have.
      bytes: how large the file is.
    """

    file: str
    quests: int
    rows: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


def export_quests(
    database: Database,
    namespace: str,
    quest_ids: Sequence[str],
    path: Path,
    *,
    actor: Actor,
    replace: bool = False,
    reason: str | None = None,
) -> Exported:
    """Write quests with their history, and what their Lords keep for them, into a file; the audit notes each.

    Parameters:
      database: the store.
      namespace: the tenant whose quests may be exported.
      quest_ids: the quests.
      path: the file; only this user can read it.
      actor: on whose behalf, as the audit tells it.
      replace: whether a file that is there may be replaced.
      reason: why, as the audit tells it.

    Raises:
      QuestNotFound: there is no such quest; no file is written.
      QuestConflict: the file is there already.
      PayloadError: there are more than 10,000 quests, or there is no such folder.
    """
    chosen = list(dict.fromkeys(quest_ids))
    if not 0 < len(chosen) <= MAX_EXPORTED:
        raise PayloadError(f"one file holds 1 to {MAX_EXPORTED:,} quests, not {len(chosen):,}")
    rows = 0
    with new_file(path, replace=replace) as part, part.open("wb") as file:
        about = {"export_id": str(uuid4()), "questline": version("questline"), "schema": HEAD}
        writer = QuestFileWriter(file, about | {"made_at": rfc3339(database.clock.now())})
        for quest_id in chosen:
            with SpooledTemporaryFile(MAX_IN_MEMORY) as spool:
                rows += writer.add(quest_id, _read(database, namespace, quest_id, spool).rows())
        writer.finish()

    def noted(connection: Connection) -> None:
        """Note of each quest in which file it went out, by which an erasure finds that."""
        now, subject = database.clock.now(), str(path.absolute())
        for quest_id in chosen:
            own = (connection, actor, namespace, AuditVerb.EXPORT)
            note(*own, now=now, quest_id=quest_id, subject=subject, reason=reason)

    database.write(noted, at="save")
    return Exported(str(path), len(chosen), rows, path.stat().st_size)


def _read(database: Database, namespace: str, quest_id: str, spool: IO[bytes]) -> FiledQuest:
    """Return a quest as it is at one moment, with its rows on the spool."""

    def work(connection: Connection) -> int:
        spool.seek(0)
        spool.truncate()
        count = 0
        for row in chain(rows_of(connection, quest_id), memory_of(connection, quest_id)):
            if count == 0 and row.values["namespace"] != namespace:
                break
            spool.write(canonical({"table": row.table, "row": row.values}) + b"\n")
            count += 1
        return count

    count = database.read(work)
    if count == 0:
        raise not_found(quest_id)
    return FiledQuest(quest_id, count, spool)
