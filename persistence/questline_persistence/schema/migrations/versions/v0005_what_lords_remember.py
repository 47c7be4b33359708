"""What Lords remember: agent states, events, tasks, sessions, contexts, todo lists, memories and runs of elsewhere.

Frozen: it repeats the declarations of that day instead of importing today's tables.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0005"
down_revision = "0004"
#: What it is made of, for those who look into the table of migrations.
parts = ("agent_states", "state_transitions", "state_snapshots", "indexes")

#: A column: its name, with "!" behind it where every row has a value, and its type where it is no text.
Columns = tuple[str, ...]

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TOKENS = sa.Text().with_variant(TSVECTOR(), "postgresql")
TYPES: dict[str, Any] = {
    **dict.fromkeys(("epic_num", "story_num", "step_id", "confidence", "success", "version", "seq"), sa.Integer),
    **dict.fromkeys(("epoch", "quest_version", "abandoned_by", "body_version", "purged_to"), sa.Integer),
    **dict.fromkeys(("timestamp", "saved_time", "updated_time", "expires_time"), sa.Double),
}

#: The heads: table, key, counters, further columns, and those of its versions' table.
HEADS: tuple[tuple[str, str, Columns, Columns, str, Columns], ...] = (
    (
        *("agent_states", "agent_id", ("transitions",), ("name", "status")),
        *("agent_state_versions", ("name", "status", "state_data", "metadata")),
    ),
    (
        *("tasks", "task_id", (), ("status!", "assigned_to")),
        *("task_versions", ("status", "assigned_to", "title", "description", "metadata")),
    ),
    (
        *("sessions", "session_id", ("events", "steps")),
        ("agent_id", "user_id", "mission", "status", "started_at", "ended_at"),
        *("states", ("timestamp", "state_json")),
    ),
    (
        *("todo_lists", "todolist_id", (), ("status!", "session_id")),
        *("todo_list_versions", ("status", "plan_json")),
    ),
    (
        *("workflow_context", "workflow_id", ()),
        ("epic_num!", "story_num", "feature!", "workflow_name!", "current_phase!", "status!"),
        *("workflow_context_versions", ("context_data",)),
    ),
)
#: The entries: table, id, the key of their stream's head, and further columns.
ENTRIES: tuple[tuple[str, str, str | None, Columns], ...] = (
    ("state_transitions", "transition_id", "agent_id", ("state_before", "state_after", "reason")),
    ("state_snapshots", "snapshot_id", None, ("agent_id", "version", "description")),
    (
        *("events", "event_id", "session_id"),
        ("event_type!", "actor_type!", "actor_id", "git_commit", "content", "metadata"),
    ),
    (
        *("execution_history", "entry_id", "session_id"),
        ("step_id", "timestamp", "thought", "action", "observation"),
    ),
    ("memories", "memory_id", None, ("tool_name", "confidence!", "context!", "lesson!")),
    ("runs", "run_id", None, ("plan_id!", "success", "objective", "plan_result!", "execution_result!")),
    ("run_parts", "part_id", None, ("kind!", "plan_id!", "body")),
)
#: What a column may be, by table and column.
CHECKS = {
    ("events", "actor_type"): ("user", "agent", "system"),
    ("tasks", "status"): ("todo", "in_progress", "done", "blocked"),
    ("workflow_context", "status"): ("running", "completed", "failed", "paused"),
}
#: The indexes of heads' keys that have a name of their own.
KEY_INDEXES = {"workflow_context": "idx_workflow_context_workflow_id"}
#: Indexes: table, name, the columns behind namespace and key prefix, and the condition if it is partial.
INDEXES: tuple[tuple[str, str, Columns, str | None], ...] = (
    ("agent_states", "ix_agent_states_list", ("created_at", "id"), "deleted_at IS NULL"),
    ("agent_states", "ix_agent_states_status", ("status", "created_at", "id"), "deleted_at IS NULL"),
    ("state_snapshots", "ix_state_snapshots_agent_id", ("agent_id", "id"), None),
    ("events", "ix_events_event_type", ("event_type", "id"), None),
    ("events", "ix_events_git_commit", ("git_commit", "id"), "git_commit IS NOT NULL"),
    ("tasks", "ix_tasks_list", ("created_at", "id"), "deleted_at IS NULL"),
    ("tasks", "ix_tasks_status", ("status", "created_at", "id"), "deleted_at IS NULL"),
    ("tasks", "ix_tasks_assigned_to", ("assigned_to", "created_at", "id"), "deleted_at IS NULL"),
    ("sessions", "ix_sessions_user_id", ("user_id", "created_at", "id"), None),
    ("sessions", "ix_sessions_agent_id", ("agent_id", "created_at", "id"), None),
    ("sessions", "ix_sessions_created_at", ("created_at", "id"), None),
    ("states", "ix_states_timestamp", ("timestamp",), None),
    ("execution_history", "ix_execution_history_timestamp", ("timestamp",), None),
    ("todo_lists", "ix_todo_lists_session_id", ("session_id", "created_at", "id"), None),
    ("memories", "ix_memories_tool_name", ("tool_name", "created_at", "id"), None),
    ("memories", "ix_memories_created_at", ("created_at", "id"), None),
    ("workflow_context", "idx_workflow_context_epic", ("epic_num", "created_at", "id"), None),
    ("workflow_context", "idx_workflow_context_epic_story", ("epic_num", "story_num", "created_at", "id"), None),
    ("workflow_context", "idx_workflow_context_status", ("status", "created_at", "id"), None),
    ("workflow_context", "idx_workflow_context_created_at", ("created_at", "id"), None),
    ("workflow_context", "idx_workflow_context_feature", ("feature", "created_at", "id"), None),
    ("runs", "idx_runs_created_at", ("saved_time", "run_id"), None),
    ("run_parts", "ix_run_parts_plan_id", ("plan_id", "id"), None),
)
ORIGIN = ("quest_id", "epoch", "position", "quest_version", "abandoned_by")
FTS5 = "CREATE VIRTUAL TABLE memory_tokens USING fts5(tokens, tokenize = \"ascii tokenchars '_'\", detail = full)"


def upgrade() -> None:
    """Make the tables and their indexes."""
    for table, key, counters, columns, versions, others in HEADS:
        _make_heads(table, key, counters, columns)
        _make_versions(versions, key, others)
    for table, entry_id, stream, columns in ENTRIES:
        _make_entries(table, entry_id, stream, columns)
    for table, name, columns, where in INDEXES:
        _index(table, name, "namespace", "key_prefix", *columns, where=where)
    _index("state_snapshots", "ix_state_snapshots_expires_time", "expires_time", where="expires_time IS NOT NULL")
    op.create_table(
        "migrations",
        *_columns("version!", "name!", "applied_at!", "reverted_at", version=sa.Text),
        _pk("migrations", "version"),
    )
    _make_texts()


def downgrade() -> None:
    """Drop them with all that they hold."""
    if _is_sqlite():
        op.execute("DROP TABLE memory_tokens")
    for table in ("memory_texts", "migrations", *(entries[0] for entries in reversed(ENTRIES))):
        op.drop_table(table)
    for table, _, _, _, versions, _ in reversed(HEADS):
        op.drop_table(versions)
        op.drop_table(table)


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _columns(*names: str, **types: Any) -> list[sa.Column[Any]]:
    given = {name.removesuffix("!"): name.endswith("!") for name in names}
    kinds = TYPES | types
    return [sa.Column(name, kinds.get(name, sa.Text), nullable=not always) for name, always in given.items()]


def _pk(table: str, column: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=f"pk_{table}")


def _key(table: str, name: str) -> list[Any]:
    return [
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key_prefix", sa.Text(), server_default="", nullable=False),
        sa.Column(name, sa.Text(), nullable=False),
        _pk(table, "id"),
    ]


def _counted(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in names]


def _checks(table: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=op.f(f"ck_{table}_{column}"))
        for (of, column), values in CHECKS.items()
        if of == table
    ]


def _make_heads(table: str, key: str, counters: Columns, columns: Columns) -> None:
    op.create_table(
        table,
        *_key(table, key),
        *_columns("owner"),
        *_counted("version"),
        *_columns("body_version", "fingerprint"),
        *_counted("purged_to"),
        *_columns("deleted_at", "expires_time"),
        *_counted(*counters),
        *_columns(*columns),
        *_columns("created_at!", "updated_at!", "updated_time!"),
        *_checks(table),
        postgresql_with={"fillfactor": "80"},
    )
    _index(table, KEY_INDEXES.get(table, f"uq_{table}_key"), "namespace", "key_prefix", key, unique=True)
    _index(table, f"ix_{table}_owner", "owner", where="owner IS NOT NULL")


def _make_versions(table: str, key: str, columns: Columns) -> None:
    op.create_table(
        table,
        *_key(table, key),
        *_columns("version!", "op!", "body_version", "fingerprint", "write_id!", "saved_time!", "created_at!"),
        *_columns(*ORIGIN, *columns),
    )
    _index(table, f"uq_{table}_key", "namespace", "key_prefix", key, "version", unique=True)
    _index_origin(table)


def _make_entries(table: str, entry_id: str, stream: str | None, columns: Columns) -> None:
    op.create_table(
        table,
        *_key(table, entry_id),
        *(_columns(f"{stream}!", "seq!") if stream else ()),
        *_columns(*columns),
        *_columns("fingerprint!", "write_id!", "saved_time!", "created_at!", "deleted_at", "expires_time"),
        *_columns(*ORIGIN),
        *_checks(table),
    )
    _index(table, f"uq_{table}_{entry_id}", "namespace", "key_prefix", entry_id, unique=True)
    if stream:
        _index(table, f"ix_{table}_{stream}", "namespace", "key_prefix", stream, "seq", unique=True)
    _index_origin(table)


def _index(table: str, name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, [*columns], unique=unique, sqlite_where=condition, postgresql_where=condition)


def _index_origin(table: str) -> None:
    _index(table, f"ix_{table}_quest", "quest_id", "quest_version", where="quest_id IS NOT NULL")


def _make_texts() -> None:
    """Make the table of texts; the words are indexed in it, or on SQLite in an index beside it."""
    op.create_table(
        "memory_texts",
        sa.Column("text_id", ROW_ID, autoincrement=True, nullable=False),
        *_columns("namespace!"),
        sa.Column("key_prefix", sa.Text(), server_default="", nullable=False),
        *_columns("kind!"),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("tokens", TOKENS),
        _pk("memory_texts", "text_id"),
    )
    _index("memory_texts", "uq_memory_texts_ref", "kind", "ref_id", unique=True)
    newest = ["namespace", "key_prefix", "kind", "text_id"]
    in_a_column = sa.text("tokens IS NOT NULL")
    op.create_index("ix_memory_texts_newest", "memory_texts", newest, sqlite_where=in_a_column)
    op.create_index(
        *("ix_memory_texts_tokens", "memory_texts", ["tokens"]), sqlite_where=in_a_column, postgresql_using="gin"
    )
    if _is_sqlite():
        op.execute(FTS5)
