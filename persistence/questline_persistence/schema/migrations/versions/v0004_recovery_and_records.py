"""Tombstones, suspects, snoozes and progress; how attempts ended, and by which code; quests by tenant.

Frozen: it repeats the declarations of that day instead of importing today's tables.

Tables are changed in the order in which claims and checkpoints lock them, so that neither waits for the other for ever.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

#: New columns that are NULL in what is there already, by table.
NULLABLE: dict[str, dict[str, sa.types.TypeEngine[Any]]] = {
    "tickets": {
        "snoozed_until": sa.Double(),
        "progress": sa.Double(),
        "progress_message": sa.Text(),
        "progress_claim_id": sa.Text(),
    },
    "lord_runs": {"namespace": sa.Text(), "lost": sa.Integer(), "code_version": sa.Text()},
    "workers": {"steps_held": sa.Integer(), "steps_begun": sa.Integer()},
}
#: New columns of tickets that are 0 there.
COUNTED = ("lost_alone", "company")
BEFORE = "status IN ('success', 'error', 'skipped')"
SINCE = "status IN ('success', 'error', 'skipped', 'cancelled', 'conflict')"


def upgrade() -> None:
    """Add the table and the columns, allow the new statuses, and index quests by their namespace."""
    op.create_table(
        "tombstones",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("quest_id", name="pk_tombstones"),
    )
    for name in COUNTED:
        op.add_column("tickets", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    for table, columns in NULLABLE.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind))
    _allow(SINCE, instead_of=BEFORE)
    _index_by("status", "namespace")
    op.create_index("ix_quest_executions_newest", "quest_executions", ["namespace", "created_at", "quest_id"])


def downgrade() -> None:
    """Drop them; attempts of the new statuses become skipped ones, whose error still says what they were."""
    for name in COUNTED:
        op.drop_column("tickets", name)
    op.drop_index("ix_quest_executions_newest", "quest_executions")
    _index_by("status")
    for table, columns in NULLABLE.items():
        for name in columns:
            op.drop_column(table, name)
    op.execute("UPDATE lord_runs SET status = 'skipped' WHERE status IN ('cancelled', 'conflict')")
    _allow(BEFORE, instead_of=SINCE)
    op.drop_table("tombstones")


def _index_by(*columns: str) -> None:
    op.drop_index("ix_quest_executions_status", "quest_executions")
    op.create_index("ix_quest_executions_status", "quest_executions", [*columns])


def _allow(statuses: str, *, instead_of: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        _make_again(instead_of, statuses)
        return
    # Not validated here: that would read the table while nobody may write to it. `schema.migrate` does so afterwards.
    op.execute("ALTER TABLE lord_runs DROP CONSTRAINT ck_lord_runs_status")
    op.execute(f"ALTER TABLE lord_runs ADD CONSTRAINT ck_lord_runs_status CHECK ({statuses}) NOT VALID")


def _make_again(old: str, new: str) -> None:
    """Make SQLite's table again with another CHECK, which it cannot change: the same columns, rows and indexes."""
    connection = op.get_bind()
    of = "FROM sqlite_master WHERE tbl_name = 'lord_runs' AND sql IS NOT NULL"
    (table,) = connection.exec_driver_sql(f"SELECT sql {of} AND type = 'table'").scalars()
    indexes = list(connection.exec_driver_sql(f"SELECT sql {of} AND type = 'index'").scalars())
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'lord_runs'").scalar()
    name, _, rest = table.partition("(")
    connection.exec_driver_sql(f"{name.replace('lord_runs', 'lord_runs_new')}({rest.replace(old, new)}")
    connection.exec_driver_sql("INSERT INTO lord_runs_new SELECT * FROM lord_runs")
    connection.exec_driver_sql("DROP TABLE lord_runs")
    connection.exec_driver_sql("ALTER TABLE lord_runs_new RENAME TO lord_runs")
    if last is not None:  # the number of a run that was deleted is not given again
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'lord_runs'")
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('lord_runs', ?)", (last,))
    for index in indexes:
        connection.exec_driver_sql(index)
