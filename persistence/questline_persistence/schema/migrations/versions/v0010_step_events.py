"""The log of steps: what they say while they run.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table; it holds nobody up, since whoever writes it comes with this release."""
    position = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "step_events",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", position, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("level", "message", "data")),
        sa.PrimaryKeyConstraint("quest_id", "fence", "claim_id", "seq", name="pk_step_events"),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_step_events_quest_id")),
    )
    op.create_index("ix_step_events_position", "step_events", ["quest_id", "position", "fence"])


def downgrade() -> None:
    """Drop it with all that steps have said."""
    op.drop_table("step_events")
