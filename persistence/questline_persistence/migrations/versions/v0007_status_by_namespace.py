"""The index of quests by status knows their namespace: counting one tenant's quests reads the index alone.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Index the namespace too."""
    _index_by("status", "namespace")


def downgrade() -> None:
    """Go back to the status alone."""
    _index_by("status")


def _index_by(*columns: str) -> None:
    op.drop_index("ix_quest_executions_status", "quest_executions")
    op.create_index("ix_quest_executions_status", "quest_executions", [*columns])
