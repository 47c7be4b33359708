"""Who did what to quests, states and keys, when, why and from where: written, listed, and removed by age.

It imports `schema`, `store` and what is below. Whoever changes something at a person's will notes it by `note`, in the
same transaction.
"""

from questline_persistence.audit.actor import Actor, Door
from questline_persistence.audit.audit_filter import AuditFilter
from questline_persistence.audit.audit_log import MAX_AUDIT_PAGE, AuditLog, AuditPage
from questline_persistence.audit.entry import AuditEntry, AuditVerb
from questline_persistence.audit.noting import note

__all__ = [
    "MAX_AUDIT_PAGE",
    "Actor",
    "AuditEntry",
    "AuditFilter",
    "AuditLog",
    "AuditPage",
    "AuditVerb",
    "Door",
    "note",
]
