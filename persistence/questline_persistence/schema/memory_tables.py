"""The tables of what Lords remember, made from the descriptions of its kinds.

A head is a row per key, which is the key's lock and counter; a version is a row that is only added. Of rows once
written, only `abandoned_by` and an entry's `deleted_at` ever change.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    FromClause,
    Index,
    Integer,
    Table,
    Text,
    and_,
    select,
    text,
    tuple_,
)

from questline_persistence import kinds
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.schema.metadata import METADATA, RowId, Tokens, one_of
from questline_persistence.states import ActorType, ContextStatus, TaskStatus
from questline_persistence.writes import Key

#: Columns that are no text.
_TYPES: dict[str, Any] = {
    "epic_num": Integer,
    "story_num": Integer,
    "step_id": Integer,
    "confidence": Integer,
    "success": Integer,
    "version": Integer,
    "timestamp": Double,
}
#: Columns that have a value in every row.
_GIVEN = {
    *("status", "event_type", "actor_type", "title", "plan_json", "state_json", "context_data", "feature"),
    *("workflow_name", "current_phase", "epic_num", "plan_result", "execution_result", "kind", "plan_id", "context"),
    *("lesson", "confidence"),
}
#: Half-empty pages, so that a head's new row lies beside the old one and no index need learn of it.
_HEADS_STORAGE = {"fillfactor": 80}


def _column(name: str, **more: Any) -> Column[Any]:
    return Column(name, _TYPES.get(name, Text), **more)


def _key(name: str) -> list[Column[Any]]:
    return [
        #: The tenant.
        Column("namespace", Text, nullable=False),
        #: Keeps keys apart within the tenant; "" for none.
        Column("key_prefix", Text, server_default="", nullable=False),
        Column(name, Text, nullable=False),
    ]


def _origin() -> list[Column[Any]]:
    """Which step wrote a row, and the epoch whose replay has dropped it; no foreign key, since rows outlive quests."""
    return [
        #: The quest whose step wrote it; NULL where no step did, as in the four columns behind it.
        Column("quest_id", Text),
        #: The quest's replay number at that time.
        Column("epoch", Integer),
        #: The step's place in the stack.
        Column("position", Text),
        #: The version of the quest that the step's checkpoint made.
        Column("quest_version", Integer),
        #: The epoch whose replay has dropped it; NULL while it counts.
        Column("abandoned_by", Integer),
    ]


def _partly(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _by_origin(table: str) -> Index:
    return _partly(f"ix_{table}_quest", "quest_id", "quest_version", where="quest_id IS NOT NULL")


def _heads(kind: Versioned, *more: Any, index: str | None = None, given: bool = True) -> Table:
    """Return the table of a kind's heads.

    Parameters:
      more: indexes and constraints.
      index: the name of the index of the key, where a seed has given it one.
      given: whether its columns have values as soon as there is a row; a stream's head may be there before.
    """
    return Table(
        kind.heads,
        METADATA,
        Column("id", RowId, primary_key=True, autoincrement=True),
        *_key(kind.key),
        #: The quest that the key is of; NULL where quests share it.
        Column("owner", Text),
        #: Counts the versions, +1 with each; never set back.
        Column("version", Integer, server_default="0", nullable=False),
        #: The version whose row holds the present payload; NULL where nothing is there.
        Column("body_version", Integer),
        #: The fingerprint of the present payload.
        Column("fingerprint", Text),
        #: The version up to which all were purged.
        Column("purged_to", Integer, server_default="0", nullable=False),
        #: When it was deleted; NULL while it is there.
        Column("deleted_at", Text),
        #: After which moment it is no longer there; NULL: it stays.
        Column("expires_time", Double),
        *(Column(name, Integer, server_default="0", nullable=False) for name in kind.counters),
        *(_column(name, nullable=not (given and name in _GIVEN)) for name in (*kind.both, *kind.head)),
        #: When it was first heard of.
        Column("created_at", Text, nullable=False),
        #: When it was changed last.
        Column("updated_at", Text, nullable=False),
        #: That moment in epoch seconds; it never falls.
        Column("updated_time", Double, nullable=False),
        Index(index or f"uq_{kind.heads}_key", "namespace", "key_prefix", kind.key, unique=True),
        _partly(f"ix_{kind.heads}_owner", "owner", where="owner IS NOT NULL"),
        *more,
        postgresql_with=_HEADS_STORAGE,
    )


def _versions(kind: Versioned, *more: Any) -> Table:
    """Return the table of a kind's versions."""
    return Table(
        kind.versions,
        METADATA,
        Column("id", RowId, primary_key=True, autoincrement=True),
        *_key(kind.key),
        #: Its number: the first is 1, each of the others one more.
        Column("version", Integer, nullable=False),
        #: What it came from, such as `save`, `restore` or `rewind`.
        Column("op", Text, nullable=False),
        #: The version whose row holds its payload: itself, an older one, or NULL for none.
        Column("body_version", Integer),
        #: The fingerprint of its payload.
        Column("fingerprint", Text),
        #: Names the write, so that it is known again when it is sent twice.
        Column("write_id", Text, nullable=False),
        #: When it was saved, in epoch seconds; within a key it never falls.
        Column("saved_time", Double, nullable=False),
        #: When it was saved.
        Column("created_at", Text, nullable=False),
        *_origin(),
        *(_column(name) for name in (*kind.both, *kind.version, *kind.body)),
        Index(f"uq_{kind.versions}_key", "namespace", "key_prefix", kind.key, "version", unique=True),
        _by_origin(kind.versions),
        *more,
    )


def _entries(kind: Entries, *more: Any) -> Table:
    """Return the table of a kind's entries."""
    stream = kind.stream
    numbered: list[Any] = []
    if stream is not None:
        key = (Column(stream.of.key, Text, nullable=False), Column("seq", Integer, nullable=False))
        index = Index(
            f"ix_{kind.table}_{stream.of.key}", *("namespace", "key_prefix", stream.of.key, "seq"), unique=True
        )
        numbered = [*key, index]
    return Table(
        kind.table,
        METADATA,
        Column("id", RowId, primary_key=True, autoincrement=True),
        *_key(kind.entry_id),
        *numbered,
        *(_column(name, nullable=name not in _GIVEN) for name in (*kind.columns, *kind.body)),
        #: The fingerprint of all that was given, by which an entry that is added again is known.
        Column("fingerprint", Text, nullable=False),
        #: Names the write.
        Column("write_id", Text, nullable=False),
        #: When it was added, in epoch seconds.
        Column("saved_time", Double, nullable=False),
        #: When it was added.
        Column("created_at", Text, nullable=False),
        #: When it was deleted; NULL while it is there.
        Column("deleted_at", Text),
        #: After which moment it is no longer there; NULL: it stays.
        Column("expires_time", Double),
        *_origin(),
        Index(f"uq_{kind.table}_{kind.entry_id}", "namespace", "key_prefix", kind.entry_id, unique=True),
        _by_origin(kind.table),
        *more,
    )


_THERE = "deleted_at IS NULL"

agent_states = _heads(
    kinds.AGENT_STATES,
    _partly("ix_agent_states_list", "namespace", "key_prefix", "created_at", "id", where=_THERE),
    _partly("ix_agent_states_status", "namespace", "key_prefix", "status", "created_at", "id", where=_THERE),
    given=False,
)
agent_state_versions = _versions(kinds.AGENT_STATES)
state_transitions = _entries(kinds.TRANSITIONS)
state_snapshots = _entries(
    kinds.SNAPSHOTS,
    Index("ix_state_snapshots_agent_id", "namespace", "key_prefix", "agent_id", "id"),
    _partly("ix_state_snapshots_expires_time", "expires_time", where="expires_time IS NOT NULL"),
)
events = _entries(
    kinds.EVENTS,
    Index("ix_events_event_type", "namespace", "key_prefix", "event_type", "id"),
    _partly("ix_events_git_commit", "namespace", "key_prefix", "git_commit", "id", where="git_commit IS NOT NULL"),
    one_of("actor_type", ActorType),
)
tasks = _heads(
    kinds.TASKS,
    _partly("ix_tasks_list", "namespace", "key_prefix", "created_at", "id", where=_THERE),
    _partly("ix_tasks_status", "namespace", "key_prefix", "status", "created_at", "id", where=_THERE),
    _partly("ix_tasks_assigned_to", "namespace", "key_prefix", "assigned_to", "created_at", "id", where=_THERE),
    one_of("status", TaskStatus),
)
task_versions = _versions(kinds.TASKS)
sessions = _heads(
    kinds.SESSIONS,
    Index("ix_sessions_user_id", "namespace", "key_prefix", "user_id", "created_at", "id"),
    Index("ix_sessions_agent_id", "namespace", "key_prefix", "agent_id", "created_at", "id"),
    Index("ix_sessions_created_at", "namespace", "key_prefix", "created_at", "id"),
    given=False,
)
states = _versions(kinds.SESSIONS, Index("ix_states_timestamp", "namespace", "key_prefix", "timestamp"))
execution_history = _entries(
    kinds.HISTORY, Index("ix_execution_history_timestamp", "namespace", "key_prefix", "timestamp")
)
todo_lists = _heads(
    kinds.TODO_LISTS,
    Index("ix_todo_lists_session_id", "namespace", "key_prefix", "session_id", "created_at", "id"),
)
todo_list_versions = _versions(kinds.TODO_LISTS)
memories = _entries(
    kinds.MEMORIES,
    Index("ix_memories_tool_name", "namespace", "key_prefix", "tool_name", "created_at", "id"),
    Index("ix_memories_created_at", "namespace", "key_prefix", "created_at", "id"),
)
workflow_context = _heads(
    kinds.CONTEXTS,
    *(
        Index(f"idx_workflow_context_{name}", "namespace", "key_prefix", *columns, "created_at", "id")
        for name, columns in (
            ("epic", ("epic_num",)),
            ("epic_story", ("epic_num", "story_num")),
            ("status", ("status",)),
            ("created_at", ()),
            ("feature", ("feature",)),
        )
    ),
    one_of("status", ContextStatus),
    index="idx_workflow_context_workflow_id",
)
workflow_context_versions = _versions(kinds.CONTEXTS)
kept_runs = _entries(kinds.RUNS, Index("idx_runs_created_at", "namespace", "key_prefix", "saved_time", "run_id"))
run_parts = _entries(kinds.RUN_PARTS, Index("ix_run_parts_plan_id", "namespace", "key_prefix", "plan_id", "id"))

#: Which migrations were applied and taken back, for those who look: Alembic's own note says where the schema stands.
migrations = Table(
    "migrations",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
    Column("reverted_at", Text),
)

#: Which words stand in a column: on SQLite none.
_IN_A_COLUMN = text("tokens IS NOT NULL")

#: The words of what can be searched: a row for each entry, and for each head's present version.
memory_texts = Table(
    "memory_texts",
    METADATA,
    Column("text_id", RowId, primary_key=True, autoincrement=True),
    Column("namespace", Text, nullable=False),
    Column("key_prefix", Text, server_default="", nullable=False),
    #: The table that the row is of.
    Column("kind", Text, nullable=False),
    Column("ref_id", BigInteger, nullable=False),
    #: NULL where the database keeps the words in an index of its own.
    Column("tokens", Tokens),
    Index("uq_memory_texts_ref", "kind", "ref_id", unique=True),
    #: A word that many have is looked for among the newest of its scope; SQLite's index of words has that order itself.
    Index("ix_memory_texts_newest", "namespace", "key_prefix", "kind", "text_id", sqlite_where=_IN_A_COLUMN),
    Index("ix_memory_texts_tokens", "tokens", postgresql_using="gin", sqlite_where=_IN_A_COLUMN),
)


class Tables(NamedTuple):
    """The tables of a versioned kind."""

    heads: Table
    versions: Table


@lru_cache(maxsize=32)
def tables_of(kind: Versioned) -> Tables:
    """Return the tables of a versioned kind."""
    return Tables(METADATA.tables[kind.heads], METADATA.tables[kind.versions])


@lru_cache(maxsize=32)
def table_of(kind: Entries) -> Table:
    """Return the table of a kind of entries."""
    return METADATA.tables[kind.table]


def within(of: Table, namespace: str, prefix: str) -> list[ColumnElement[bool]]:
    """Return the conditions that a row is of a namespace and a key prefix: equality, never a pattern."""
    return [of.c.namespace == namespace, of.c.key_prefix == prefix]


def is_key(of: Table, kind: Versioned, key: Key) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of a head or a version is of a key."""
    return [*within(of, key.namespace, key.prefix), of.c[kind.key] == key.name]


def same_key(kind: Versioned, one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that two rows are of the same key."""
    return and_(*(other.c[name] == one.c[name] for name in (*kinds.KEY, kind.key)))


def of_keys(kind: Versioned, rows: FromClause, source: FromClause, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that rows are of keys that others are of: these are looked up first, and then by their keys.

    Parameters:
      kind: what the keys are of.
      rows: the rows.
      source: the others.
      where: which of the others.
    """
    names = (*kinds.KEY, kind.key)
    keys = select(*(source.c[name] for name in names)).where(*where)
    return tuple_(*(rows.c[name] for name in names)).in_(keys)
