"""Batches: one verb over all quests that a filter means, and what came of it for each.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make both tables, which nothing else refers to."""
    op.create_table(
        "batches",
        *_texts("batch_id", "namespace"),
        *_texts("name", nullable=True),
        *_texts("verb", "arguments", "filter", "state"),
        *_numbers("total", "total_capped", "done", "changed", "unchanged", "refused", "failed"),
        *_texts("actor", "door"),
        *_texts("address", "request_id", "reason", nullable=True),
        *_texts("created_at"),
        *(sa.Column(name, sa.Double()) for name in ("started_time", "ended_time")),
        *_texts("reached_at", "reached_id"),
        *_texts("claim_id", nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name="pk_batches"),
        sa.CheckConstraint("state IN ('new', 'running', 'done', 'aborted')", name=op.f("ck_batches_state")),
    )
    op.create_index("ix_batches_newest", "batches", ["namespace", "created_at", "batch_id"])
    not_ended = sa.text("state IN ('new', 'running')")
    op.create_index(
        *("ix_batches_open", "batches", ["namespace", "lease_until"]),
        sqlite_where=not_ended,
        postgresql_where=not_ended,
    )
    op.create_table(
        "batch_results",
        *_texts("batch_id"),
        *_numbers("number"),
        *_texts("quest_id", "outcome"),
        *_texts("code", "message", nullable=True),
        *_texts("at"),
        sa.PrimaryKeyConstraint("batch_id", "number", name="pk_batch_results"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name=op.f("fk_batch_results_batch_id")),
    )
    op.create_index("ix_batch_results_quest_id", "batch_results", ["batch_id", "quest_id"], unique=True)
    op.create_index("ix_batch_results_outcome", "batch_results", ["batch_id", "outcome", "number"])


def downgrade() -> None:
    """Drop them with all that they hold: a batch that is not done stays undone."""
    op.drop_table("batch_results")
    op.drop_table("batches")


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]
