"""How quests leave the store: with all that belongs to them, but for a tombstone, and what the audit tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.clock import rfc3339
from questline_persistence.controls.forgetting import forget_own
from questline_persistence.controls.locked_quest import lock
from questline_persistence.controls.part import Part
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.journal import bury
from questline_persistence.schema import OF_QUEST, budgets, quests
from questline_persistence.settings import RetentionRule
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
            remove_quests(connection, self.namespace, [quest_id], now=now)
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
        quest_type: str | None = None,
        reason: str | None = None,
    ) -> list[str]:
        """Remove quests that ended before a time, oldest first, and return their ids: at most `limit` of them, or 200.

        What is asked of a quest is asked of its locked row: one that was replayed meanwhile, and ended anew, stays. The
        audit gets one entry for all of them, which names each.

        Parameters:
          ended_before: the time, in epoch seconds.
          status: how they ended.
          limit: at most this many.
          quest_type: only quests of this type; None means all.
          reason: why, as the audit tells it.
        """
        which: list[ColumnElement[bool]] = [quests.c.status.in_([one for one in status if one in TERMINAL])]
        if quest_type is not None:
            which.append(quests.c.quest_type == quest_type)
        return self._prune(ended_before, which, quests.c.end_time, limit=limit, reason=reason)

    def retain(self, rule: RetentionRule, *, now: float, limit: int) -> list[str]:
        """Remove quests that are kept no longer, those that were made first, and return their ids.

        They are looked for by when they were made, which has an index; who is kept costs nothing but a look.

        Parameters:
          rule: which quests, and how long they are kept.
          now: the time, in epoch seconds.
          limit: at most this many, or 200.
        """
        before = now - rule.seconds
        which: list[ColumnElement[bool]] = [quests.c.status == rule.status, quests.c.created_at < rfc3339(before)]
        which += [] if rule.quest_type is None else [quests.c.quest_type == rule.quest_type]
        which += [quests.c.quest_type.not_in(rule.but)] if rule.but else []
        return self._prune(before, which, quests.c.created_at, limit=limit, reason="retention")

    def _prune(
        self,
        ended_before: float,
        which: Sequence[ColumnElement[bool]],
        first: ColumnElement[Any],
        *,
        limit: int,
        reason: str | None,
    ) -> list[str]:
        """Remove ended quests in one transaction."""
        ended = (
            select(quests.c.quest_id)
            .where(quests.c.namespace == self.namespace, quests.c.end_time < ended_before, *which)
            .order_by(first)
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
            remove_quests(connection, self.namespace, found, now=now)
            if found:
                done = {"quests": len(found), "ended_before": rfc3339(ended_before), "quest_ids": found}
                own = (connection, self.actor, self.namespace, AuditVerb.PRUNE)
                note(*own, now=now, subject="quests", reason=reason, outcome=done)
            return [*gone, *found]

        return self.database.write(work, at="delete")


def remove_quests(connection: Connection, namespace: str, quest_ids: Sequence[str], *, now: float) -> Counter[str]:
    """Remove quests whose rows are locked and which have no ticket; return how many rows of each table that were.

    Parameters:
      connection: that of the transaction which has locked them.
      namespace: the tenant that they belong to.
      quest_ids: the quests.
      now: the database's time in epoch seconds.
    """
    removed: Counter[str] = Counter()
    if not quest_ids:
        return removed
    bury(connection, quest_ids, now=now)
    own = budgets.c.namespace == namespace, budgets.c.scope == "quest", budgets.c.name.in_(quest_ids)
    connection.execute(delete(budgets).where(*own))
    for table in reversed(OF_QUEST):
        removed[table.name] += connection.execute(delete(table).where(table.c.quest_id.in_(quest_ids))).rowcount
    return removed + forget_own(connection, quest_ids)
