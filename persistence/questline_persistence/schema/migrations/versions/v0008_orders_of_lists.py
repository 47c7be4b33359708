"""Lists in any order: quests of a status by when they were made, and by when that status last changed.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

_STATUS = "ix_quest_executions_status"
_UPDATED = "ix_quest_executions_updated"


def upgrade() -> None:
    """Have the index of statuses go on with the order of lists, and add the one of their changes."""
    _index_by("status", "namespace", "created_at", "quest_id")
    op.create_index(_UPDATED, "quest_executions", ["status", "namespace", "updated_at", "quest_id"])


def downgrade() -> None:
    """Take both back: lists are slower then, and say the same."""
    op.drop_index(_UPDATED, "quest_executions")
    _index_by("status", "namespace")


def _index_by(*columns: str) -> None:
    op.drop_index(_STATUS, "quest_executions")
    op.create_index(_STATUS, "quest_executions", [*columns])
