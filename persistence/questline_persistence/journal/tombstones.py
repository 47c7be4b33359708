"""What is left of deleted quests: a later quest of the same id goes on behind their epochs and fences.

So an idempotency key, and a fence that an outside system has seen, never come a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from questline_persistence.clock import rfc3339
from questline_persistence.dialects import dialect_of
from questline_persistence.new_quest import NewQuest
from questline_persistence.schema import tombstones

_BURY = """
INSERT INTO tombstones (quest_id, namespace, epoch, fence, deleted_at)
SELECT quest_id, namespace, epoch, fence, :deleted_at FROM quest_executions WHERE quest_id IN :ids
ON CONFLICT (quest_id) DO UPDATE SET
  namespace = excluded.namespace, deleted_at = excluded.deleted_at,
  epoch = CASE WHEN excluded.epoch > tombstones.epoch THEN excluded.epoch ELSE tombstones.epoch END,
  fence = CASE WHEN excluded.fence > tombstones.fence THEN excluded.fence ELSE tombstones.fence END
"""
_BURY_ALL = text(_BURY).bindparams(bindparam("ids", expanding=True))


def bury(connection: Connection, quest_ids: Sequence[str], *, now: float) -> None:
    """Write the tombstones of quests that the same transaction deletes, whose rows it has locked."""
    connection.execute(_BURY_ALL, {"ids": quest_ids, "deleted_at": rfc3339(now)})


def after_deleted(connection: Connection, batch: Sequence[NewQuest]) -> Sequence[NewQuest]:
    """Return new quests such that each whose id a deleted one had goes on behind that one's epoch and fence."""
    theirs = dialect_of(connection).one_of(tombstones.c.quest_id, [quest.quest_id for quest in batch])
    buried = {row.quest_id: row for row in connection.execute(select(tombstones).where(theirs))}
    return [_after(quest, buried.get(quest.quest_id)) for quest in batch] if buried else batch


def _after(quest: NewQuest, tombstone: Row[Any] | None) -> NewQuest:
    if tombstone is None:
        return quest
    return quest._replace(epoch=tombstone.epoch + 1, fence=tombstone.fence + 1)
