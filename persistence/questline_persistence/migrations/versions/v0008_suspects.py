"""Which of the steps that ran beside a worker's death may have caused it, and how carefully they are to run.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; what is there already is nobody's suspect."""
    op.add_column("tickets", sa.Column("lost_alone", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("company", sa.Integer(), server_default="0", nullable=False))
    op.add_column("workers", sa.Column("steps_held", sa.Integer()))
    op.add_column("workers", sa.Column("steps_begun", sa.Integer()))


def downgrade() -> None:
    """Drop the columns: a step that lost workers is charged with each, as before."""
    op.drop_column("workers", "steps_begun")
    op.drop_column("workers", "steps_held")
    op.drop_column("tickets", "company")
    op.drop_column("tickets", "lost_alone")
