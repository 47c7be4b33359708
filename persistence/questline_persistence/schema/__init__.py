"""The schema: the tables, the revision that a database is at, and the migrations from one to the next.

It imports `store` and what is below. `migrations` is Alembic's to load, and is entered by nobody else.
"""

from questline_persistence.schema import batch_tables, memory_tables, security_tables, step_tables, tables
from questline_persistence.schema.batch_tables import batch_results, batches
from questline_persistence.schema.head_times import made_at, moved_on
from questline_persistence.schema.memory_sealing import BODY_WRITE, fetched, first
from questline_persistence.schema.memory_tables import (
    is_key,
    memory_texts,
    migrations,
    of_keys,
    same_key,
    table_of,
    tables_of,
    within,
)
from questline_persistence.schema.metadata import METADATA
from questline_persistence.schema.of_quest import OF_QUEST
from questline_persistence.schema.revisions import (
    HEAD,
    NEXT,
    VERSION_TABLE,
    current,
    downgrade,
    drift,
    ensure,
    history,
    migrate,
    require,
    upgrade,
)
from questline_persistence.schema.sealing import PAYLOADS, opened, opened_by, sealed
from questline_persistence.schema.security_tables import api_keys, audit
from questline_persistence.schema.step_tables import budgets, once, step_costs, step_events
from questline_persistence.schema.tables import counts, quests, runs, snapshots, steps, tickets, tombstones, workers
from questline_persistence.schema.ticket_conditions import (
    BELL,
    in_state,
    not_before_available,
    order_of_locks,
    still_in_state,
)

__all__ = [
    "BELL",
    "BODY_WRITE",
    "HEAD",
    "METADATA",
    "NEXT",
    "OF_QUEST",
    "PAYLOADS",
    "VERSION_TABLE",
    "api_keys",
    "audit",
    "batch_results",
    "batch_tables",
    "batches",
    "budgets",
    "counts",
    "current",
    "downgrade",
    "drift",
    "ensure",
    "fetched",
    "first",
    "history",
    "in_state",
    "is_key",
    "made_at",
    "memory_tables",
    "memory_texts",
    "migrate",
    "migrations",
    "moved_on",
    "not_before_available",
    "of_keys",
    "once",
    "opened",
    "opened_by",
    "order_of_locks",
    "quests",
    "require",
    "runs",
    "same_key",
    "sealed",
    "security_tables",
    "snapshots",
    "step_costs",
    "step_events",
    "step_tables",
    "steps",
    "still_in_state",
    "table_of",
    "tables",
    "tables_of",
    "tickets",
    "tombstones",
    "upgrade",
    "within",
    "workers",
]
