"""The one schema: every table of questline, as SQLAlchemy declarative classes.

`*_time` columns and everything the machine schedules by are epoch seconds of the database's clock;
`*_at` texts are RFC 3339 in UTC. JSON payloads are opaque text: they are never queried, and text keeps
them byte for byte (JSONB would refuse a NUL and round what it does not understand).
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from questline_persistence.schema.metadata import Base, Labels, Position, RowId, one_of
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


class QuestExecutions(Base):
    """A quest as users know it; written only when its status changes, never per step."""

    __tablename__ = "quest_executions"

    quest_id: Mapped[str] = mapped_column(Text, primary_key=True)
    namespace: Mapped[str] = mapped_column(Text)
    quest_type: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    #: Lineage number: +1 on replay.
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    #: Version of the newest snapshot while the quest has no ticket; the ticket counts while it has one.
    version: Mapped[int] = mapped_column(Integer, server_default="0")
    #: The last ticket's fence, kept so that the next ticket's goes on from there.
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    start_time: Mapped[float | None] = mapped_column(Double)
    end_time: Mapped[float | None] = mapped_column(Double)
    duration_seconds: Mapped[float | None] = mapped_column(Double)
    input_data: Mapped[str] = mapped_column(Text)
    #: The input as first submitted, once a replay has changed `input_data`.
    submitted_input: Mapped[str | None] = mapped_column(Text)
    output_data: Mapped[str | None] = mapped_column(Text)
    #: The plan as submitted; what remains of it is read from the steps.
    execution_stack: Mapped[str] = mapped_column(Text)
    #: How many steps of each Lord the plan of the present epoch has, as JSON, so that pushing more need not count them;
    #: NULL in a quest that is older than this column.
    step_counts: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[dict[str, str]] = mapped_column(Labels)
    queue: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    #: Why an admin paused or cancelled it.
    reason: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    forked_from: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[str] = mapped_column(Text)
    schema_version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        one_of("status", ExecutionStatus),
        Index("ix_quest_executions_status", "status", "namespace"),
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
        {"postgresql_with": _QUESTS_STORAGE},
    )


class QuestSteps(Base):
    """The plan: one row per step and epoch. Rows are added, never changed."""

    __tablename__ = "quest_steps"

    quest_id: Mapped[str] = mapped_column(ForeignKey("quest_executions.quest_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[str] = mapped_column(Position, primary_key=True)
    lord_name: Mapped[str] = mapped_column(Text)
    tool_name: Mapped[str] = mapped_column(Text)
    #: Which occurrence of its Lord the step is, from 1.
    occurrence: Mapped[int] = mapped_column(Integer)
    params: Mapped[str] = mapped_column(Text)
    max_attempts: Mapped[int] = mapped_column(Integer)
    timeout_seconds: Mapped[float] = mapped_column(Double)
    backoff_seconds: Mapped[float] = mapped_column(Double)
    queue: Mapped[str] = mapped_column(Text)
    #: The snapshot version that brought the step in: 0, or that of the checkpoint that pushed it.
    since_version: Mapped[int] = mapped_column(Integer)


class Tickets(Base):
    """The right to run one step now. A plain stack has one row, which moves along the stack."""

    __tablename__ = "tickets"

    quest_id: Mapped[str] = mapped_column(ForeignKey("quest_executions.quest_id"), primary_key=True)
    branch: Mapped[int] = mapped_column(Integer, primary_key=True)
    namespace: Mapped[str] = mapped_column(Text)
    position: Mapped[str] = mapped_column(Position)
    epoch: Mapped[int] = mapped_column(Integer)
    #: `lord:tool` of the step, so that a claim can be refused by a worker that lacks it.
    handler: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    claim_id: Mapped[str | None] = mapped_column(Text)
    worker_id: Mapped[str | None] = mapped_column(Text)
    claimed_at: Mapped[float | None] = mapped_column(Double)
    deadline: Mapped[float | None] = mapped_column(Double)
    #: Failures of this step so far.
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    #: Workers that died while they ran this step.
    lost: Mapped[int] = mapped_column(Integer, server_default="0")
    #: How many of them died while they ran nothing else; of no meaning while `lost` is 0.
    lost_alone: Mapped[int] = mapped_column(Integer, server_default="0")
    #: How many steps the process that runs it next may run at most, itself included; of no meaning while `lost` is 0.
    company: Mapped[int] = mapped_column(Integer, server_default="0")
    #: +1 on every transition, never reset.
    fence: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer)
    pause_requested: Mapped[int] = mapped_column(Integer, server_default="0")
    available_at: Mapped[float] = mapped_column(Double)
    #: When to ring (again) if nobody has claimed it by then.
    ring_at: Mapped[float] = mapped_column(Double)
    #: Rings by redispatch since it became ready.
    dispatches: Mapped[int] = mapped_column(Integer, server_default="0")
    #: How often a worker that lacks the Lord has left it.
    refusals: Mapped[int] = mapped_column(Integer, server_default="0")
    queue: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    #: The `available_at` that its step has asked for, by a snooze; while both are the same, that is what it waits for.
    snoozed_until: Mapped[float | None] = mapped_column(Double)
    #: How far the claim named last here said to be, 0.0 to 1.0, and with what; another claim has said nothing yet.
    progress: Mapped[float | None] = mapped_column(Double)
    progress_message: Mapped[str | None] = mapped_column(Text)
    progress_claim_id: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
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
        {"postgresql_with": _TICKETS_STORAGE},
    )


class LordRuns(Base):
    """One attempt of one step. Rows are added, never changed."""

    __tablename__ = "lord_runs"

    run_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    quest_id: Mapped[str] = mapped_column(ForeignKey("quest_executions.quest_id"))
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    position: Mapped[str | None] = mapped_column(Position)
    #: The snapshot version that a success made.
    version: Mapped[int | None] = mapped_column(Integer)
    lord_name: Mapped[str] = mapped_column(Text)
    tool_name: Mapped[str] = mapped_column(Text)
    run_index: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text)
    start_time: Mapped[float] = mapped_column(Double)
    end_time: Mapped[float | None] = mapped_column(Double)
    duration_seconds: Mapped[float | None] = mapped_column(Double)
    input_data: Mapped[str] = mapped_column(Text)
    output_data: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    attempt_number: Mapped[int] = mapped_column(Integer, server_default="1")
    max_attempts: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[str] = mapped_column(Text)
    worker_id: Mapped[str | None] = mapped_column(Text)
    claim_id: Mapped[str | None] = mapped_column(Text)
    #: That of its quest; NULL in an attempt that is older than this column.
    namespace: Mapped[str | None] = mapped_column(Text)
    #: 1 where the attempt ended because its worker was lost: it spent none of the step's attempts.
    lost: Mapped[int | None] = mapped_column(Integer)
    #: Which code ran it, as the worker's settings name it.
    code_version: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
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
        {"sqlite_autoincrement": True},
    )


class QuestSnapshots(Base):
    """The state of a quest at a version. Rows are added, never changed.

    A row with `run_data` is a base: it holds the whole of it. In every other row `run_data` and
    `execution_stack` are NULL and follow from the base before it, the successes since, and the plan.
    """

    __tablename__ = "quest_snapshots"

    snapshot_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    quest_id: Mapped[str] = mapped_column(ForeignKey("quest_executions.quest_id"))
    version: Mapped[int] = mapped_column(Integer)
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    #: Where the quest would go on from here; NULL when nothing remains.
    position: Mapped[str | None] = mapped_column(Position)
    run_data: Mapped[str | None] = mapped_column(Text)
    execution_stack: Mapped[str | None] = mapped_column(Text)
    #: The input from here on, where a replay changed it.
    input_data: Mapped[str | None] = mapped_column(Text)
    #: The version that a replay started from.
    parent_version: Mapped[int | None] = mapped_column(Integer)
    snapshot_reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        one_of("snapshot_reason", SnapshotReason),
        Index("uq_quest_snapshots_quest_id_version", "quest_id", "version", unique=True),
        {"sqlite_autoincrement": True},
    )


class Workers(Base):
    """One incarnation of a worker process, alive while its lease runs."""

    __tablename__ = "workers"

    worker_id: Mapped[str] = mapped_column(Text, primary_key=True)
    namespace: Mapped[str] = mapped_column(Text)
    #: The operating system process; a process that was taken for lost goes on as a new worker.
    process_id: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    started_at: Mapped[float] = mapped_column(Double)
    lease_until: Mapped[float] = mapped_column(Double)
    heartbeat_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    queues: Mapped[str] = mapped_column(Text)
    handlers: Mapped[str] = mapped_column(Text)
    threads: Mapped[int] = mapped_column(Integer)
    code_version: Mapped[str] = mapped_column(Text)
    #: How many steps it ran when it ended, and how many of them had begun since its last heartbeat.
    steps_held: Mapped[int | None] = mapped_column(Integer)
    steps_begun: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        one_of("state", WorkerState),
        Index("ix_workers_state_lease_until", "state", "lease_until"),
        Index("ix_workers_process_id", "process_id"),
    )


class Tombstones(Base):
    """What is left of a deleted quest: how far its epoch and fence had come, for a later quest of the same id.

    That one goes on from there, so that no idempotency key and no fence comes a second time.
    """

    __tablename__ = "tombstones"

    quest_id: Mapped[str] = mapped_column(Text, primary_key=True)
    namespace: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(BigInteger)
    deleted_at: Mapped[str] = mapped_column(Text)


class Counts(Base):
    """How often something out of the ordinary has happened, over all time."""

    __tablename__ = "counts"

    namespace: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


quests = cast("Table", QuestExecutions.__table__)
steps = cast("Table", QuestSteps.__table__)
tickets = cast("Table", Tickets.__table__)
runs = cast("Table", LordRuns.__table__)
snapshots = cast("Table", QuestSnapshots.__table__)
workers = cast("Table", Workers.__table__)
counts = cast("Table", Counts.__table__)
tombstones = cast("Table", Tombstones.__table__)
