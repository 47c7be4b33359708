"""Batches that are made once, by the key that their maker gives.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_INDEX = "uq_batches_idempotency_key"


def upgrade() -> None:
    """Add the column, which is NULL in what is there, and its index; few batches are ever there."""
    op.add_column("batches", sa.Column("idempotency_key", sa.Text()))
    keyed = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        *(_INDEX, "batches", ["namespace", "idempotency_key"]),
        unique=True,
        sqlite_where=keyed,
        postgresql_where=keyed,
    )


def downgrade() -> None:
    """Take both back: whoever asks again with a key makes another batch."""
    op.drop_index(_INDEX, "batches")
    op.drop_column("batches", "idempotency_key")
