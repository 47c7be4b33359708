"""What steps spend, and how much may be spent.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make both tables; they hold nobody up, since whoever writes them comes with this release."""
    position = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "step_costs",
        *_texts("quest_id", "claim_id", "model", "namespace", "quest_type", "lord_name"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", position, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("input_tokens", "output_tokens")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("usd", "at")),
        sa.PrimaryKeyConstraint("quest_id", "claim_id", "model", name="pk_step_costs"),
        sa.ForeignKeyConstraint(["quest_id"], ["quest_executions.quest_id"], name=op.f("fk_step_costs_quest_id")),
    )
    op.create_index("ix_step_costs_lord_name", "step_costs", ["namespace", "lord_name"])
    op.create_table(
        "budgets",
        *_texts("namespace", "scope", "name"),
        sa.Column("max_usd", sa.Double()),
        sa.Column("max_tokens", sa.BigInteger()),
        sa.Column("spent_usd", sa.Double(), nullable=False),
        sa.Column("spent_tokens", sa.BigInteger(), nullable=False),
        *_texts("created_at"),
        sa.PrimaryKeyConstraint("namespace", "scope", "name", name="pk_budgets"),
    )


def downgrade() -> None:
    """Drop them with all that was spent and all limits."""
    op.drop_table("budgets")
    op.drop_table("step_costs")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
