"""Noting what somebody did, in the transaction that does it: one statement, and none where nothing was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from questline_persistence.audit.actor import Actor
from questline_persistence.audit.entry import AuditVerb
from questline_persistence.clock import rfc3339
from questline_persistence.payload import Limit, encode
from questline_persistence.schema import audit

#: The outcome is made by ourselves, of ids, numbers and paths; all of what one transaction changes fits.
_OUTCOME = Limit(1_000_000)


def note(
    connection: Connection,
    actor: Actor,
    namespace: str,
    verb: AuditVerb,
    *,
    now: float,
    quest_id: str | None = None,
    subject: str | None = None,
    reason: str | None = None,
    outcome: Mapping[str, Any] | None = None,
) -> None:
    """Add one entry to the audit.

    Parameters:
      connection: that of the transaction which does what is noted.
      actor: who does it.
      namespace: the tenant.
      verb: what is done.
      now: the database's time in epoch seconds.
      quest_id: the quest that it is done to, if it is one.
      subject: what else it is done to.
      reason: why.
      outcome: what comes of it: ids, numbers and paths, but no payloads, which outlive nobody's right to be forgotten.
    """
    connection.execute(
        insert(audit).values(
            namespace=namespace,
            at=rfc3339(now),
            actor=actor.name,
            verb=verb,
            quest_id=quest_id,
            subject=subject,
            reason=reason,
            door=actor.door,
            address=actor.address,
            request_id=actor.request_id,
            outcome=encode(dict(outcome or {}), what="the outcome", limit=_OUTCOME),
        )
    )
