"""Erasing what is known of a subject: its quests with all that they are, and what their steps have told others.

A quest is of a subject by its label `subject`. Ended quests go in bounded transactions, oldest first, so that no step
waits long; a live one is to be cancelled before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select

from questline_persistence.arguments import text
from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.controls import MAX_AT_ONCE, remove_quests
from questline_persistence.erasure.receipt import Receipt
from questline_persistence.erasure.shared_rows import empty_shared
from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.models import MAX_LABEL_VALUE
from questline_persistence.schema import audit, quests
from questline_persistence.states import LIVE
from questline_persistence.store import Database

#: The label that says whom a quest is about.
SUBJECT = "subject"
#: Most quests of one subject.
MAX_ERASED = 100_000
#: Most live quests that an error names.
MAX_NAMED = 5


class Erasing:
    """Erases subjects of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant whose quests may be erased.
      actor: on whose behalf, as the audit tells it.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor

    def erase(self, subject: str, *, dry_run: bool = False, reason: str | None = None) -> Receipt:
        """Remove all that quests of a subject have left, and note that without naming the subject.

        Parameters:
          subject: the value of the label `subject` of its quests.
          dry_run: change nothing, only say what would be removed.
          reason: why, as the audit tells it.

        Raises:
          PayloadError: the subject is no text of 1 to 255 characters.
          QuestConflict: quests of it are live; nothing was removed.
        """
        if not 1 <= len(text(subject, "subject")) <= MAX_LABEL_VALUE:
            raise PayloadError(f"a subject has 1 to {MAX_LABEL_VALUE} characters", hint="give the label's value")
        ids = self.database.read(lambda connection: self._of(connection, subject))
        exports, backups = self.database.read(lambda connection: self._copies(connection, ids))
        rows: Counter[str] = Counter()
        known = fingerprint_of(subject)
        for start in range(0, len(ids), MAX_AT_ONCE):
            rows += self._erase(ids[start : start + MAX_AT_ONCE], known, dry_run=dry_run, reason=reason)
        return Receipt(subject, known, len(ids), dict(sorted(rows.items())), exports, backups, dry_run)

    def _of(self, connection: Connection, subject: str) -> list[str]:
        """Return the quests of a subject, oldest first, none of which may be live."""
        theirs = self._are(subject)
        live = select(quests.c.quest_id).where(*theirs, quests.c.status.in_(sorted(LIVE))).limit(MAX_NAMED)
        if found := connection.execute(live).scalars().all():
            message = f"quests of the subject are live: {', '.join(found)}"
            raise QuestConflict(message, hint=f"cancel them first: questline cancel --label {SUBJECT}=…")
        query = select(quests.c.quest_id).where(*theirs).order_by(quests.c.created_at, quests.c.quest_id)
        return list(connection.execute(query.limit(MAX_ERASED)).scalars())

    def _are(self, subject: str) -> tuple[ColumnElement[bool], ...]:
        label = self.database.dialect.has_label(quests.c.labels, SUBJECT, subject)
        return quests.c.namespace == self.namespace, label

    def _copies(self, connection: Connection, ids: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the files that quests went out to, and the backups since the first of them was made."""
        files: dict[str, None] = {}
        for start in range(0, len(ids), MAX_AT_ONCE):
            these = audit.c.quest_id.in_(ids[start : start + MAX_AT_ONCE])
            exported = select(audit.c.subject).where(these, audit.c.verb == AuditVerb.EXPORT).order_by(audit.c.audit_id)
            files |= dict.fromkeys(str(name) for name in connection.execute(exported).scalars())
        if not ids:
            return [], []
        first = select(quests.c.created_at).where(quests.c.quest_id == ids[0]).scalar_subquery()
        since = (audit.c.verb == AuditVerb.BACKUP, audit.c.at >= first)
        backups = connection.execute(select(audit.c.subject).where(*since).order_by(audit.c.audit_id)).scalars()
        return list(files), list(dict.fromkeys(str(name) for name in backups))

    def _erase(self, ids: Sequence[str], known: str, *, dry_run: bool, reason: str | None) -> Counter[str]:
        """Erase a few quests in one transaction."""
        done: Counter[str] = Counter()

        def work(connection: Connection) -> None:
            locked = select(quests.c.quest_id).where(quests.c.quest_id.in_(ids), quests.c.status.not_in(sorted(LIVE)))
            found = list(connection.execute(locked.order_by(quests.c.quest_id).with_for_update()).scalars())
            if not found:
                return  # gone by the first try, whose COMMIT went through though its reply was lost
            now, dialect = self.database.clock.now(), self.database.dialect
            dialect.erase_for_good(connection)
            gone = remove_quests(connection, self.namespace, found, now=now) + empty_shared(connection, found, now=now)
            done.clear()
            done.update({str(name): number for name, number in gone.items()})
            dialect.erase_for_good(connection, end=True)
            outcome = {"quests": len(found), "rows": dict(done)}
            own = (connection, self.actor, self.namespace, AuditVerb.ERASE)
            note(*own, now=now, subject=known, reason=reason, outcome=outcome)

        if dry_run:
            self.database.rehearse(work)
        else:
            self.database.write(work, at="delete")
        return done


def fingerprint_of(subject: str) -> str:
    """Return what the audit calls a subject: the same for the same one, and no name."""
    return f"sha256:{hashlib.sha256(subject.encode()).hexdigest()}"
