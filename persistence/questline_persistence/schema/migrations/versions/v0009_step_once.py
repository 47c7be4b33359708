"""What the calls of `ctx.once` came to, within a step.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

POSITION = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, which nothing else refers to."""
    op.create_table(
        "step_once",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", POSITION, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("overlapped", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("quest_id", "epoch", "position", "name", name="pk_step_once"),
    )


def downgrade() -> None:
    """Drop it with all that it holds: a step that is under way makes its calls anew."""
    op.drop_table("step_once")
