"""Flat cost: indexes for the relay and for single outputs, and tables that PostgreSQL tidies in time.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

READY = sa.text("state = 'ready'")
REFUSED = sa.text("state = 'ready' AND refusals > 0")
STORAGE = {
    "tickets": {
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_cost_delay": "0",
        "autovacuum_analyze_threshold": "1000",
        "autovacuum_analyze_scale_factor": "0",
        "vacuum_truncate": "false",
    },
    "quest_executions": {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"},
}


def upgrade() -> None:
    """Order ready tickets as the relay takes them, index refused tickets and single outputs, set the storage."""
    _order_ready_by("namespace", "ring_at", "available_at")
    op.create_index(
        "ix_tickets_refused", "tickets", ["namespace", "handler"], sqlite_where=REFUSED, postgresql_where=REFUSED
    )
    op.create_index("ix_lord_runs_output", "lord_runs", ["quest_id", "epoch", "lord_name", "version"])
    for table, settings in STORAGE.items():
        given = ", ".join(f"{name} = {value}" for name, value in settings.items())
        _alter(table, f"SET ({given})")


def downgrade() -> None:
    """Go back to the indexes and the storage of the first schema."""
    for table, settings in STORAGE.items():
        _alter(table, f"RESET ({', '.join(settings)})")
    op.drop_index("ix_lord_runs_output", "lord_runs")
    op.drop_index("ix_tickets_refused", "tickets")
    _order_ready_by("namespace", "ring_at")


def _order_ready_by(*columns: str) -> None:
    op.drop_index("ix_tickets_ready", "tickets")
    op.create_index("ix_tickets_ready", "tickets", [*columns], sqlite_where=READY, postgresql_where=READY)


def _alter(table: str, change: str) -> None:
    """Change how PostgreSQL stores a table; SQLite has no such settings."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} {change}")
