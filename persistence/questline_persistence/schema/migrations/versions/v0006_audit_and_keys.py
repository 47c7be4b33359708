"""Who did what, from where and why; and the keys of those who come by HTTP.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make both tables, which nothing else refers to."""
    op.create_table(
        "audit",
        sa.Column("audit_id", ROW_ID, autoincrement=True, nullable=False),
        *_texts("namespace", "at", "actor", "verb"),
        *_texts("quest_id", "subject", "reason", nullable=True),
        *_texts("door"),
        *_texts("address", "request_id", nullable=True),
        *_texts("outcome"),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_newest", "audit", ["namespace", "at", "audit_id"])
    op.create_index("ix_audit_actor", "audit", ["namespace", "actor", "at", "audit_id"])
    op.create_index("ix_audit_verb", "audit", ["namespace", "verb", "at", "audit_id"])
    of_quests = sa.text("quest_id IS NOT NULL")
    op.create_index(
        *("ix_audit_quest_id", "audit", ["quest_id", "at", "audit_id"]),
        sqlite_where=of_quests,
        postgresql_where=of_quests,
    )
    op.create_table(
        "api_keys",
        *_texts("key_id", "namespace", "name", "secret_hash", "scopes"),
        sa.Column("payloads", sa.Integer(), nullable=False),
        *_texts("created_at", "created_by"),
        *(sa.Column(name, sa.Double()) for name in ("expires_time", "last_used_time", "revoked_time")),
        *_texts("rotated_from", nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_newest", "api_keys", ["namespace", "created_at", "key_id"])


def downgrade() -> None:
    """Drop them with all that they hold: keys have to be made anew."""
    op.drop_table("api_keys")
    op.drop_table("audit")


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]
