"""One entry of the audit: what was done, by whom, why and from where."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Row

from questline_persistence.payload import decode


class AuditVerb(StrEnum):
    """What the audit tells of, as the command line calls it."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    REPLAY = "replay"
    FORK = "fork"
    DELETE = "delete"
    PRUNE = "prune"
    EXPORT = "export"
    IMPORT = "import"
    ERASE = "erase"
    COPY = "db copy"
    BACKUP = "backup"
    BRING_BACK = "restore"
    BATCH_CREATE = "batch create"
    BATCH_ABORT = "batch abort"
    RESTORE = "state restore"
    ADOPT = "state adopt"
    PURGE = "state purge"
    KEY_CREATE = "keys create"
    KEY_ROTATE = "keys rotate"
    KEY_REVOKE = "keys revoke"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did.

    Parameters:
      audit_id: the entry's number.
      namespace: the tenant.
      at: when, by the database's clock (RFC 3339).
      actor: who did it.
      verb: what was done, as the command line calls it.
      quest_id: the quest that it was done to, or None.
      subject: what else it was done to, such as an agent or a key; of a fork, the new quest's id.
      reason: why, in the words of who did it, or None.
      door: "python", "cli", "http" or "dashboard".
      address: the network address that it came from, or None.
      request_id: what one request, or one command, has in common; or None.
      outcome: what came of it.
    """

    audit_id: int
    namespace: str
    at: str
    actor: str
    verb: str
    quest_id: str | None
    subject: str | None
    reason: str | None
    door: str
    address: str | None
    request_id: str | None
    outcome: dict[str, Any]

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return the entry that a row of the audit is.

        Parameters:
          row: all columns of the table.
        """
        return cls(**{**row._asdict(), "outcome": decode(row.outcome)})

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)
