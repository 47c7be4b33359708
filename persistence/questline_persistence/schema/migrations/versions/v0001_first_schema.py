"""The first schema.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

POSITION = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LABELS = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Create every table."""
    _quest_executions()
    _workers()
    _counts()
    _lord_runs()
    _quest_snapshots()
    _quest_steps()
    _tickets()


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("counts")
    op.drop_table("workers")
    op.drop_table("lord_runs")
    op.drop_table("quest_snapshots")
    op.drop_table("tickets")
    op.drop_table("quest_steps")
    op.drop_table("quest_executions")


def _quest_executions() -> None:
    op.create_table(
        "quest_executions",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("quest_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("start_time", sa.Double(), nullable=True),
        sa.Column("end_time", sa.Double(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("input_data", sa.Text(), nullable=False),
        sa.Column("submitted_input", sa.Text(), nullable=True),
        sa.Column("output_data", sa.Text(), nullable=True),
        sa.Column("execution_stack", sa.Text(), nullable=False),
        sa.Column("labels", LABELS, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("forked_from", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'running', 'waiting', 'pausing', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_quest_executions_status"),
        ),
        sa.PrimaryKeyConstraint("quest_id", name=op.f("pk_quest_executions")),
    )
    op.create_index("ix_quest_executions_created_at", "quest_executions", ["created_at", "quest_id"], unique=False)
    op.create_index("ix_quest_executions_status", "quest_executions", ["status"], unique=False)
    op.create_index(
        "uq_quest_executions_idempotency_key",
        "quest_executions",
        ["namespace", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("handlers", sa.Text(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('live', 'lost', 'stopped')", name=op.f("ck_workers_state")),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_process_id", "workers", ["process_id"], unique=False)
    op.create_index("ix_workers_state_lease_until", "workers", ["state", "lease_until"], unique=False)


def _counts() -> None:
    op.create_table(
        "counts",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_counts")),
    )


def _lord_runs() -> None:
    op.create_table(
        "lord_runs",
        sa.Column("run_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", POSITION, nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("lord_name", sa.Text(), nullable=False),
        sa.Column("tool_name", sa.Text(), nullable=False),
        sa.Column("run_index", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("start_time", sa.Double(), nullable=False),
        sa.Column("end_time", sa.Double(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("input_data", sa.Text(), nullable=False),
        sa.Column("output_data", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("attempt_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=True),
        sa.Column("claim_id", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('success', 'error', 'skipped')", name=op.f("ck_lord_runs_status")),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_lord_runs_quest_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_lord_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lord_runs_lord_name_created_at", "lord_runs", ["lord_name", "created_at"], unique=False)
    op.create_index("ix_lord_runs_quest_id_run_index", "lord_runs", ["quest_id", "run_index"], unique=False)
    op.create_index(
        "uq_lord_runs_success",
        "lord_runs",
        ["quest_id", "epoch", "position"],
        unique=True,
        sqlite_where=sa.text("status = 'success'"),
        postgresql_where=sa.text("status = 'success'"),
    )


def _quest_snapshots() -> None:
    op.create_table(
        "quest_snapshots",
        sa.Column("snapshot_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", POSITION, nullable=True),
        sa.Column("run_data", sa.Text(), nullable=True),
        sa.Column("execution_stack", sa.Text(), nullable=True),
        sa.Column("input_data", sa.Text(), nullable=True),
        sa.Column("parent_version", sa.Integer(), nullable=True),
        sa.Column("snapshot_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "snapshot_reason IN ('start', 'checkpoint', 'pause', 'error', 'replay', 'completed')",
            name=op.f("ck_quest_snapshots_snapshot_reason"),
        ),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_quest_snapshots_quest_id")),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_quest_snapshots")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_quest_snapshots_quest_id_version", "quest_snapshots", ["quest_id", "version"], unique=True)


def _quest_steps() -> None:
    op.create_table(
        "quest_steps",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", POSITION, nullable=False),
        sa.Column("lord_name", sa.Text(), nullable=False),
        sa.Column("tool_name", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("timeout_seconds", sa.Double(), nullable=False),
        sa.Column("backoff_seconds", sa.Double(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_quest_steps_quest_id")),
        sa.PrimaryKeyConstraint("quest_id", "epoch", "position", name=op.f("pk_quest_steps")),
    )


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("branch", sa.Integer(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("position", POSITION, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=True),
        sa.Column("worker_id", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.Double(), nullable=True),
        sa.Column("deadline", sa.Double(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pause_requested", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_at", sa.Double(), nullable=False),
        sa.Column("ring_at", sa.Double(), nullable=False),
        sa.Column("dispatches", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(state = 'running') = (claim_id IS NOT NULL)", name=op.f("ck_tickets_claim")),
        sa.CheckConstraint("state IN ('ready', 'running', 'waiting', 'held')", name=op.f("ck_tickets_state")),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_tickets_quest_id")),
        sa.PrimaryKeyConstraint("quest_id", "branch", name=op.f("pk_tickets")),
    )
    op.create_index(
        "ix_tickets_ready",
        "tickets",
        ["namespace", "ring_at"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_tickets_running",
        "tickets",
        ["namespace", "worker_id"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_tickets_waiting",
        "tickets",
        ["namespace", "available_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
