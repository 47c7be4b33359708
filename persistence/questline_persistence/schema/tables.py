"""The one schema: every table of questline, as SQLAlchemy's `Table`s.

`*_time` columns and everything the machine schedules by are epoch seconds of the database's clock;
`*_at` texts are RFC 3339 in UTC. JSON payloads are opaque text: they are never queried, and text keeps
them byte for byte (JSONB would refuse a NUL and round what it does not understand).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from questline_persistence.schema.metadata import METADATA, Labels, Position, RowId, one_of
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason, TicketState, WorkerState

#: How PostgreSQL is to tidy the tickets. Each step leaves one dead row there, or two. Where a ticket goes from ready to
#: running and back, the indexes that name its state gain entries too (a hand-over is spared that, as a "HOT" update),
#: and vacuum alone takes these away. So it comes by a number of dead rows, whatever the table's size, does not pause,
#: and takes no exclusive lock to give room back to the disk.
_TICKETS_STORAGE = {
    "autovacuum_vacuum_threshold": 1000,
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_cost_delay": 0,
    "autovacuum_analyze_threshold": 1000,
    "autovacuum_analyze_scale_factor": 0,
    "vacuum_truncate": "false",
}
#: A quest is updated twice in its life, when it is young; the default waits until a fifth of an old store is dead rows.
_QUESTS_STORAGE = {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02}


#: The conditions of indexes on tickets, each of those in one state.
_READY, _RUNNING, _WAITING = (
    f"state = '{state}'" for state in (TicketState.READY, TicketState.RUNNING, TicketState.WAITING)
)


#: A quest as users know it; written only when its status changes, never per step.
quests = Table(
    "quest_executions",
    METADATA,
    Column("quest_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("quest_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    #: Lineage number: +1 on replay.
    Column("epoch", Integer, server_default="0", nullable=False),
    #: Version of the newest snapshot while the quest has no ticket; the ticket counts while it has one.
    Column("version", Integer, server_default="0", nullable=False),
    #: The last ticket's fence, kept so that the next ticket's goes on from there.
    Column("fence", BigInteger, server_default="0", nullable=False),
    Column("start_time", Double),
    Column("end_time", Double),
    Column("duration_seconds", Double),
    Column("input_data", Text, nullable=False),
    #: The input as first submitted, once a replay has changed `input_data`.
    Column("submitted_input", Text),
    Column("output_data", Text),
    #: The plan as submitted; what remains of it is read from the steps.
    Column("execution_stack", Text, nullable=False),
    #: How many steps of each Lord the plan of the present epoch has, as JSON, so that pushing more need not count them;
    #: NULL in a quest that is older than this column.
    Column("step_counts", Text),
    Column("labels", Labels, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, server_default="0", nullable=False),
    Column("error", Text),
    #: Why an admin paused or cancelled it.
    Column("reason", Text),
    Column("idempotency_key", Text),
    Column("forked_from", Text),
    #: "recorded" where calls of `ctx.once` are served as they are recorded, and none is made; else NULL.
    Column("once_mode", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    one_of("status", ExecutionStatus),
    # Each order of lists within a status; a list of several statuses merges their parts.
    Index("ix_quest_executions_status", "status", "namespace", "created_at", "quest_id"),
    Index("ix_quest_executions_updated", "status", "namespace", "updated_at", "quest_id"),
    # Read backwards for "newest first"; the id breaks ties, so that pages never overlap.
    Index("ix_quest_executions_created_at", "created_at", "quest_id"),
    Index("ix_quest_executions_newest", "namespace", "created_at", "quest_id"),
    Index(
        "uq_quest_executions_idempotency_key",
        "namespace",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    postgresql_with=_QUESTS_STORAGE,
)

#: The plan: one row per step and epoch. Rows are added, never changed.
steps = Table(
    "quest_steps",
    METADATA,
    Column("quest_id", ForeignKey("quest_executions.quest_id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("lord_name", Text, nullable=False),
    Column("tool_name", Text, nullable=False),
    #: Which occurrence of its Lord the step is, from 1.
    Column("occurrence", Integer, nullable=False),
    Column("params", Text, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("timeout_seconds", Double, nullable=False),
    Column("backoff_seconds", Double, nullable=False),
    Column("queue", Text, nullable=False),
    #: The snapshot version that brought the step in: 0, or that of the checkpoint that pushed it.
    Column("since_version", Integer, nullable=False),
)

#: The right to run one step now. A plain stack has one row, which moves along the stack.
tickets = Table(
    "tickets",
    METADATA,
    Column("quest_id", ForeignKey("quest_executions.quest_id"), primary_key=True),
    Column("branch", Integer, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("position", Position, nullable=False),
    Column("epoch", Integer, nullable=False),
    #: `lord:tool` of the step, so that a claim can be refused by a worker that lacks it.
    Column("handler", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("claim_id", Text),
    Column("worker_id", Text),
    Column("claimed_at", Double),
    Column("deadline", Double),
    #: Failures of this step so far.
    Column("attempt", Integer, server_default="0", nullable=False),
    #: Workers that died while they ran this step.
    Column("lost", Integer, server_default="0", nullable=False),
    #: How many of them died while they ran nothing else; of no meaning while `lost` is 0.
    Column("lost_alone", Integer, server_default="0", nullable=False),
    #: How many steps the process that runs it next may run at most, itself included; of no meaning while `lost` is 0.
    Column("company", Integer, server_default="0", nullable=False),
    #: +1 on every transition, never reset.
    Column("fence", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("pause_requested", Integer, server_default="0", nullable=False),
    Column("available_at", Double, nullable=False),
    #: When to ring (again) if nobody has claimed it by then.
    Column("ring_at", Double, nullable=False),
    #: Rings by redispatch since it became ready.
    Column("dispatches", Integer, server_default="0", nullable=False),
    #: How often a worker that lacks the Lord has left it.
    Column("refusals", Integer, server_default="0", nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, server_default="0", nullable=False),
    #: The `available_at` that its step has asked for, by a snooze; while both are the same, that is what it waits for.
    Column("snoozed_until", Double),
    #: How far the claim named last here said to be, 0.0 to 1.0, and with what; another claim has said nothing yet.
    Column("progress", Double),
    Column("progress_message", Text),
    Column("progress_claim_id", Text),
    one_of("state", TicketState),
    CheckConstraint(f"({_RUNNING}) = (claim_id IS NOT NULL)", name="claim"),
    Index(
        "ix_tickets_ready",
        "namespace",
        "ring_at",
        "available_at",  # those that became ready together, or that a broker forgot, share one ring_at
        sqlite_where=text(_READY),
        postgresql_where=text(_READY),
    ),
    Index(
        "ix_tickets_refused",
        "namespace",
        "handler",
        sqlite_where=text(f"{_READY} AND refusals > 0"),
        postgresql_where=text(f"{_READY} AND refusals > 0"),
    ),
    Index(
        "ix_tickets_running",
        "namespace",
        "worker_id",
        sqlite_where=text(_RUNNING),
        postgresql_where=text(_RUNNING),
    ),
    Index(
        "ix_tickets_waiting",
        "namespace",
        "available_at",
        sqlite_where=text(_WAITING),
        postgresql_where=text(_WAITING),
    ),
    postgresql_with=_TICKETS_STORAGE,
)

#: One attempt of one step. Rows are added, never changed.
runs = Table(
    "lord_runs",
    METADATA,
    Column("run_id", RowId, primary_key=True, autoincrement=True),
    Column("quest_id", ForeignKey("quest_executions.quest_id"), nullable=False),
    Column("epoch", Integer, server_default="0", nullable=False),
    Column("position", Position),
    #: The snapshot version that a success made.
    Column("version", Integer),
    Column("lord_name", Text, nullable=False),
    Column("tool_name", Text, nullable=False),
    Column("run_index", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("start_time", Double, nullable=False),
    Column("end_time", Double),
    Column("duration_seconds", Double),
    Column("input_data", Text, nullable=False),
    Column("output_data", Text),
    Column("error_message", Text),
    Column("attempt_number", Integer, server_default="1", nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("worker_id", Text),
    Column("claim_id", Text),
    #: That of its quest; NULL in an attempt that is older than this column.
    Column("namespace", Text),
    #: 1 where the attempt ended because its worker was lost: it spent none of the step's attempts.
    Column("lost", Integer),
    #: Which code ran it, as the worker's settings name it.
    Column("code_version", Text),
    one_of("status", RunStatus),
    Index("ix_lord_runs_quest_id_run_index", "quest_id", "run_index"),
    # The newest output of a Lord is found at once, however long the quest is.
    Index("ix_lord_runs_output", "quest_id", "epoch", "lord_name", "version"),
    Index("ix_lord_runs_lord_name_created_at", "lord_name", "created_at"),
    # At most one success per step and epoch, held by the database itself.
    Index(
        "uq_lord_runs_success",
        "quest_id",
        "epoch",
        "position",
        unique=True,
        sqlite_where=text(f"status = '{RunStatus.SUCCESS}'"),
        postgresql_where=text(f"status = '{RunStatus.SUCCESS}'"),
    ),
    sqlite_autoincrement=True,
)

#: The state of a quest at a version. Rows are added, never changed.
#:
#: A row with `run_data` is a base: it holds the whole of it. In every other row `run_data` and
#: `execution_stack` are NULL and follow from the base before it, the successes since, and the plan.
snapshots = Table(
    "quest_snapshots",
    METADATA,
    Column("snapshot_id", RowId, primary_key=True, autoincrement=True),
    Column("quest_id", ForeignKey("quest_executions.quest_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("epoch", Integer, server_default="0", nullable=False),
    #: Where the quest would go on from here; NULL when nothing remains.
    Column("position", Position),
    Column("run_data", Text),
    Column("execution_stack", Text),
    #: The input from here on, where a replay changed it.
    Column("input_data", Text),
    #: The version that a replay started from.
    Column("parent_version", Integer),
    Column("snapshot_reason", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    one_of("snapshot_reason", SnapshotReason),
    Index("uq_quest_snapshots_quest_id_version", "quest_id", "version", unique=True),
    sqlite_autoincrement=True,
)

#: One incarnation of a worker process, alive while its lease runs.
workers = Table(
    "workers",
    METADATA,
    Column("worker_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    #: The operating system process; a process that was taken for lost goes on as a new worker.
    Column("process_id", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("queues", Text, nullable=False),
    Column("handlers", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    #: How many steps it ran when it ended, and how many of them had begun since its last heartbeat.
    Column("steps_held", Integer),
    Column("steps_begun", Integer),
    one_of("state", WorkerState),
    Index("ix_workers_state_lease_until", "state", "lease_until"),
    Index("ix_workers_process_id", "process_id"),
)

#: What is left of a deleted quest: how far its epoch and fence had come, for a later quest of the same id.
#:
#: That one goes on from there, so that no idempotency key and no fence comes a second time.
tombstones = Table(
    "tombstones",
    METADATA,
    Column("quest_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("deleted_at", Text, nullable=False),
)

#: How often something out of the ordinary has happened, over all time.
counts = Table(
    "counts",
    METADATA,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
