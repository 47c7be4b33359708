"""Forks that serve recorded calls of `ctx.once`, and make none.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column: quests that are there make their calls."""
    op.add_column("quest_executions", sa.Column("once_mode", sa.Text()))


def downgrade() -> None:
    """Drop the column: forks that served recorded calls alone make those that are missing."""
    op.drop_column("quest_executions", "once_mode")
