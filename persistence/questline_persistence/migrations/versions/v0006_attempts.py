"""What an attempt came to: cancelled, in conflict, lost with its worker; put off, how far it is, and by which code.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"

BEFORE = "status IN ('success', 'error', 'skipped')"
SINCE = "status IN ('success', 'error', 'skipped', 'cancelled', 'conflict')"


def upgrade() -> None:
    """Allow the new statuses and add the columns; what is there already fits and is left as it is."""
    _allow(SINCE, instead_of=BEFORE)
    op.add_column("lord_runs", sa.Column("lost", sa.Integer()))
    op.add_column("lord_runs", sa.Column("code_version", sa.Text()))
    op.add_column("tickets", sa.Column("snoozed_until", sa.Double()))
    op.add_column("tickets", sa.Column("progress", sa.Double()))
    op.add_column("tickets", sa.Column("progress_message", sa.Text()))
    op.add_column("tickets", sa.Column("progress_claim_id", sa.Text()))


def downgrade() -> None:
    """Drop the columns; attempts of the new statuses become skipped ones, whose error still says what they were."""
    for column in ("progress_claim_id", "progress_message", "progress", "snoozed_until"):
        op.drop_column("tickets", column)
    for column in ("code_version", "lost"):
        op.drop_column("lord_runs", column)
    op.execute("UPDATE lord_runs SET status = 'skipped' WHERE status IN ('cancelled', 'conflict')")
    _allow(BEFORE, instead_of=SINCE)


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
