"""How quests leave the store: with all that belongs to them, but for a tombstone, and what the audit tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.clock import rfc3339
from questline_persistence.controls.forgetting import forget_own
from questline_persistence.controls.locked_quest import lock
from questline_persistence.controls.part import Part
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.journal import bury
from questline_persistence.schema import OF_QUEST, budgets, quests
from questline_persistence.states import TERMINAL, ExecutionStatus
from questline_persistence.store import Database

#: Most quests that one transaction removes.
MAX_AT_ONCE = 200


class Removal:
    """Removes quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant whose quests may be removed.
      actor: on whose behalf, as the audit tells it.
      part: what a deletion is a part of, if it is.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor, part: Part | None = None) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor
        self.part = part

    def delete(self, quest_id: str, reason: str | None = None) -> bool:
        """Remove a quest that has no ticket, with all that belongs to it; return whether it was there.

        Parameters:
          quest_id: the quest.
          reason: why, as the audit tells it.

        Raises:
          QuestConflict: the quest is live.
        """
        there = False

        def work(connection: Connection) -> bool:
            nonlocal there
            now = self.database.clock.now()
            try:
                locked = lock(connection, self.namespace, quest_id, now=now)
            except QuestNotFound:
                return there  # and gone by the first try, whose COMMIT went through though its reply was lost
            if locked.tickets:
                raise QuestConflict(
                    f"quest {quest_id} is {locked.status}, and only an ended quest can be deleted",
                    hint=f"run: questline cancel {quest_id}",
                )
            remove_quests(connection, [quest_id], now=now)
            own = (connection, self.actor, self.namespace, AuditVerb.DELETE)
            subject = None if self.part is None else self.part.whole
            note(*own, now=now, quest_id=quest_id, subject=subject, reason=reason, outcome={"status": locked.status})
            if self.part is not None:
                self.part.note(connection, True)  # noqa: FBT003  (a callable's parameters have no names)
            there = True
            return there

        return self.database.write(work, at="delete")

    def prune(
        self,
        ended_before: float,
        status: Sequence[ExecutionStatus],
        *,
        limit: int = MAX_AT_ONCE,
        reason: str | None = None,
    ) -> list[str]:
        """Remove quests that ended before a time, oldest first, and return their ids: at most `limit` of them, or 200.

        What is asked of a quest is asked of its locked row: one that was replayed meanwhile, and ended anew, stays. The
        audit gets one entry for all of them, which names each.
        """
        ended = (
            select(quests.c.quest_id)
            .where(quests.c.namespace == self.namespace, quests.c.end_time < ended_before)
            .where(quests.c.status.in_([one for one in status if one in TERMINAL]))
            .order_by(quests.c.end_time)
            .limit(min(limit, MAX_AT_ONCE))
            .with_for_update(skip_locked=True)
        )
        tried: set[str] = set()

        def work(connection: Connection) -> list[str]:
            there = select(quests.c.quest_id).where(quests.c.quest_id.in_(tried))
            # Gone by an earlier try, whose COMMIT went through though its reply was lost.
            gone = tried - set(connection.execute(there).scalars()) if tried else set()
            found = list(connection.execute(ended).scalars())
            tried.update(found)
            now = self.database.clock.now()
            remove_quests(connection, found, now=now)
            if found:
                done = {"quests": len(found), "ended_before": rfc3339(ended_before), "quest_ids": found}
                own = (connection, self.actor, self.namespace, AuditVerb.PRUNE)
                note(*own, now=now, subject="quests", reason=reason, outcome=done)
            return [*gone, *found]

        return self.database.write(work, at="delete")


def remove_quests(connection: Connection, quest_ids: Sequence[str], *, now: float) -> Counter[str]:
    """Remove quests whose rows are locked and which have no ticket; return how many rows of each table that were.

    Parameters:
      connection: that of the transaction which has locked them.
      quest_ids: the quests.
      now: the database's time in epoch seconds.
    """
    removed: Counter[str] = Counter()
    if not quest_ids:
        return removed
    bury(connection, quest_ids, now=now)
    connection.execute(delete(budgets).where(budgets.c.scope == "quest", budgets.c.name.in_(quest_ids)))
    for table in reversed(OF_QUEST):
        removed[table.name] += connection.execute(delete(table).where(table.c.quest_id.in_(quest_ids))).rowcount
    return removed + forget_own(connection, quest_ids)
