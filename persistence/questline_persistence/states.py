"""The states of quests, steps, runs, tickets and workers, and the one table of what may follow what.

CHECK constraints, the diagram in the documentation and the property tests are all derived from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ExecutionStatus(StrEnum):
    """Where a quest is in its life.

    Values:
      new: submitted; no step has begun.
      running: a step runs, or the next one is ready to.
      waiting: the next step waits for something other than a worker.
      pausing: a pause was asked for; the step that runs may still end.
      paused: nothing runs until it is resumed.
      completed: every step has succeeded.
      failed: a step has failed for good; `error` tells why.
      cancelled: stopped for good.
    """

    NEW = "new"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSING = "pausing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def told(self) -> str:
        """The status as the end of a sentence about a quest: "is paused", "has failed"."""
        return "has failed" if self is ExecutionStatus.FAILED else f"is {self}"


class StepStatus(StrEnum):
    """Where one step of a quest is.

    Values:
      pending: its turn has not come, or the quest is paused before it.
      queued: it may run as soon as a worker is free, and after a failure once its wait is over.
      running: a worker runs it.
      waiting: it waits for something other than a worker.
      success: its result is committed.
      error: it has failed for good.
      skipped: the quest was cancelled before it had a result. If it had begun, its attempt says `cancelled`.
    """

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCESS = "success"
    ERROR = "error"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """How one attempt of a step ended.

    Values:
      success: its result is committed.
      error: the handler raised, ran out of time, or lost its worker.
      skipped: it did not have to run; for programs that keep quests of their own.
      cancelled: it was under way when its quest was cancelled or replayed.
      conflict: what it was to write beside its result had been changed by somebody else.
    """

    SUCCESS = "success"
    ERROR = "error"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    CONFLICT = "conflict"


class TicketState(StrEnum):
    """Whether a step may run now (`ready`), runs, waits for something, or is held by a pause."""

    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"


class WorkerState(StrEnum):
    """Whether a worker process is alive.

    Values:
      live: it renews its lease.
      lost: its lease ran out, or its process was seen to die; the sweep frees the steps that it ran.
      stopped: it has left by itself.
    """

    LIVE = "live"
    LOST = "lost"
    STOPPED = "stopped"


class SnapshotReason(StrEnum):
    """Why a snapshot was taken.

    Values:
      start: the quest was submitted or forked.
      checkpoint: a step has succeeded.
      pause: the quest was paused.
      error: a step has failed for good.
      replay: the quest was taken back to an earlier snapshot.
      completed: the last step has succeeded.
    """

    START = "start"
    CHECKPOINT = "checkpoint"
    PAUSE = "pause"
    ERROR = "error"
    REPLAY = "replay"
    COMPLETED = "completed"


#: A quest in one of these has no ticket, and changes only by retry, replay or deletion.
TERMINAL = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})
#: A quest in one of these has at least one ticket.
LIVE = frozenset(ExecutionStatus) - TERMINAL
#: A quest in one of these goes on only when it is told to; who waits for it need wait no longer.
AT_REST = TERMINAL | {ExecutionStatus.PAUSED}


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal change of a quest's status: from any of `sources` to any of `targets`."""

    sources: frozenset[ExecutionStatus]
    targets: frozenset[ExecutionStatus]


def _transition(sources: frozenset[ExecutionStatus], *targets: ExecutionStatus) -> Transition:
    return Transition(sources, frozenset(targets))


_S = ExecutionStatus
_MOVING = frozenset({_S.NEW, _S.RUNNING, _S.WAITING})

#: What each verb does to a quest's status. A verb outside its `sources` is refused as a conflict.
TRANSITIONS: dict[str, Transition] = {
    "claim": _transition(frozenset({_S.NEW, _S.RUNNING}), _S.RUNNING),
    "checkpoint": _transition(frozenset({_S.RUNNING}), _S.RUNNING, _S.COMPLETED),
    "checkpoint_pausing": _transition(frozenset({_S.PAUSING}), _S.PAUSED, _S.COMPLETED),
    "fail": _transition(frozenset({_S.RUNNING}), _S.RUNNING, _S.FAILED),
    "fail_pausing": _transition(frozenset({_S.PAUSING}), _S.PAUSED, _S.FAILED),
    "pause": _transition(_MOVING, _S.PAUSING, _S.PAUSED),
    "resume": _transition(frozenset({_S.PAUSING, _S.PAUSED}), _S.RUNNING, _S.NEW),
    "cancel": _transition(LIVE, _S.CANCELLED),
    "retry": _transition(frozenset({_S.FAILED}), _S.RUNNING),
    "replay": _transition(frozenset(_S), _S.RUNNING),
}


class BatchState(StrEnum):
    """Where a batch is in its life.

    Values:
      new: nobody has begun it.
      running: a process does its verb to one quest after the other, or is about to go on.
      done: its verb was tried on every quest that it meant.
      aborted: it was stopped; what it had done by then stays.
    """

    NEW = "new"
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"


class ActorType(StrEnum):
    """Who did what an event tells of.

    Values:
      user: a person.
      agent: an agent, such as a Lord.
      system: a program.
    """

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


class TaskStatus(StrEnum):
    """Where a task is that an agent keeps.

    Values:
      todo: nobody has begun it.
      in_progress: somebody is at it.
      done: it is finished.
      blocked: it waits for something else.
    """

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    BLOCKED = "blocked"


class ContextStatus(StrEnum):
    """Where the workflow of a context is.

    Values:
      running: it goes on.
      completed: it has come to its end.
      failed: it ended with an error.
      paused: it waits to be taken up again.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    PAUSED = "paused"
