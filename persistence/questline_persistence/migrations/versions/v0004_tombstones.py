"""What is left of deleted quests, so that a quest of the same id repeats no idempotency key and no fence.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; of quests that were deleted before, nothing is known."""
    op.create_table(
        "tombstones",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("quest_id", name="pk_tombstones"),
    )


def downgrade() -> None:
    """Drop the table: ids of deleted quests then begin from the start again."""
    op.drop_table("tombstones")
