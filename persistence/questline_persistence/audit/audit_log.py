"""The audit, as it is read: pages of entries, newest first; and how it grows old."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, literal, select, tuple_

from questline_persistence.arguments import Moment, moment, whole
from questline_persistence.audit.actor import Actor
from questline_persistence.audit.audit_filter import AuditFilter
from questline_persistence.audit.entry import AuditEntry, AuditVerb
from questline_persistence.audit.noting import note
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.pages import cursor_behind, place_of
from questline_persistence.schema import audit
from questline_persistence.store import Database

#: Most entries of one page.
MAX_AUDIT_PAGE = 1_000
#: Most entries that one transaction removes.
MAX_REMOVED = 1_000

_NEWEST_FIRST = (audit.c.at.desc(), audit.c.audit_id.desc())


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries of the audit.

    Parameters:
      items: the entries, newest first.
      next_cursor: where the next page begins; None if this is the last page.
    """

    items: list[AuditEntry]
    next_cursor: str | None = None


class AuditLog:
    """Reads the audit of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; entries of others are never seen.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def page(self, chosen: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None) -> AuditPage:
        """Return one page of the entries that `chosen` means, newest first.

        Parameters:
          chosen: which entries; None means all.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before, of the same filter.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page of this list has given.
        """
        if not 1 <= whole(limit, "limit", most=None) <= MAX_AUDIT_PAGE:
            raise PayloadError(
                f"limit must be 1 to {MAX_AUDIT_PAGE:,}, not {limit}", hint="go on behind a page for more"
            )
        chosen = chosen or AuditFilter()
        of = (self.namespace, chosen)
        query = select(audit).where(audit.c.namespace == self.namespace, *chosen.conditions())
        if cursor is not None:
            at, audit_id = place_of(cursor, of, 2)
            query = query.where(tuple_(audit.c.at, audit.c.audit_id) < tuple_(literal(at), literal(audit_id)))

        def work(connection: Connection) -> AuditPage:
            rows = list(connection.execute(query.order_by(*_NEWEST_FIRST).limit(limit + 1)))
            items = [AuditEntry.of(row) for row in rows[:limit]]
            behind = cursor_behind(of, (items[-1].at, items[-1].audit_id)) if len(rows) > limit else None
            return AuditPage(items, behind)

        return self.database.read(work)

    def count(self, before: Moment) -> int:
        """Return how many entries there are from before a time.

        Parameters:
          before: epoch seconds, a datetime, or ISO 8601 text.
        """
        old = (audit.c.namespace == self.namespace, audit.c.at < rfc3339(moment(before, "before")))
        query = select(func.count()).select_from(audit).where(*old)
        return self.database.read(lambda connection: connection.execute(query).scalar_one())

    def prune(self, before: Moment, actor: Actor, *, reason: str | None = None) -> int:
        """Remove entries from before a time, the oldest first, and note that; return how many, at most 1,000.

        Call again until nothing is left.

        Parameters:
          before: epoch seconds, a datetime, or ISO 8601 text.
          actor: who removes them.
          reason: why.
        """
        end = rfc3339(moment(before, "before"))
        old = select(audit.c.audit_id).where(audit.c.namespace == self.namespace, audit.c.at < end)
        oldest = old.order_by(audit.c.at, audit.c.audit_id).limit(MAX_REMOVED)
        removed = 0

        def work(connection: Connection) -> int:
            nonlocal removed
            gone = connection.execute(delete(audit).where(audit.c.audit_id.in_(oldest))).rowcount
            if gone:
                now, done = self.database.clock.now(), {"entries": gone, "before": end}
                own = (connection, actor, self.namespace, AuditVerb.PRUNE)
                note(*own, now=now, subject="audit", reason=reason, outcome=done)
            removed = gone or removed  # gone by the first try, whose COMMIT went through though its reply was lost
            return removed

        return self.database.write(work, at="delete")
