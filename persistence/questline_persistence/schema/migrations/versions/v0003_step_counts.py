"""How many steps of each Lord a plan has, noted beside it: pushing steps need not count the plan.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; quests that are there already are counted when a step of theirs first pushes others."""
    op.add_column("quest_executions", sa.Column("step_counts", sa.Text()))


def downgrade() -> None:
    """Drop the column: nothing is lost that cannot be counted."""
    op.drop_column("quest_executions", "step_counts")
