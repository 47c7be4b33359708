"""The world of the model: one quest, its ticket, the workers, and what is under way between them.

Everything is frozen and compares by value, so that a world is a state of the exploration. What worlds are told apart
by is hashed and compared millions of times: that is a named tuple.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason, TicketState

#: The worker of a ticket whose incarnation is over: its process has died, or goes on under a new name.
GONE = -1
#: No worker.
NOBODY = -2

T = TypeVar("T")


def replace(old: T, **changed: Any) -> T:
    """Return a copy with some fields changed: `dataclasses.replace`, but three times as fast, which is felt here."""
    new = object.__new__(type(old))
    new.__dict__.update(old.__dict__, **changed)
    return new


class _Word(StrEnum):
    """An enumeration whose members are hashed as the texts that they are, which is faster."""

    __hash__ = str.__hash__


class Lease(_Word):
    """A worker's row in the register. A frozen worker is one that lives while its lease is over."""

    LIVE = "live"
    OVER = "over"
    LOST = "lost"


class Phase(_Word):
    """What a worker knows of its claim."""

    ASKED = "asked"  # the claim was committed, but its reply was lost
    RUNNING = "running"  # the handler runs
    SENT = "sent"  # the result was committed, but the reply was lost
    FAILED = "failed"  # the error was committed, but the reply was lost


class Ended(_Word):
    """How an attempt ended, as the history tells it."""

    SUCCESS = "success"
    BROKEN = "the handler raised"
    LOST = "the worker was lost"
    LATE = "timed out"
    CUT_SHORT = "the quest was cancelled or replayed"

    @property
    def status(self) -> RunStatus:
        return {Ended.SUCCESS: RunStatus.SUCCESS, Ended.CUT_SHORT: RunStatus.CANCELLED}.get(self, RunStatus.ERROR)


@dataclass(frozen=True)
class Rules:
    """What does not change: the quest's plan, the workers' Lords, and how often a fault or an admin may strike."""

    steps: int = 2
    max_attempts: int = 2
    max_lost: int = 2
    faults: int = 2
    verbs: int = 2
    #: Doorbells in flight, and sweeps between their read and their write.
    bells: int = 2
    looks: int = 2
    #: (worker, position): the Lords that a worker does not know.
    unknown: frozenset[tuple[int, int]] = frozenset({(1, 2)})


@dataclass(frozen=True)
class Ticket:
    """The right to run one step now. Its fence and version stand in the world, which keeps them when it goes."""

    epoch: int
    position: int
    state: TicketState = TicketState.READY
    claim: int | None = None
    worker: int = NOBODY
    attempt: int = 0
    lost: int = 0
    pause_requested: bool = False
    due: bool = True  # available_at <= now
    late: bool = False  # deadline <= now


class Worker(NamedTuple):
    """A worker process and its lease."""

    alive: bool = True
    lease: Lease = Lease.LIVE


class Hold(NamedTuple):
    """A claim as the worker has it in hand.

    `next_claim` is the claim that was made on the next step together with a result whose reply was lost.
    """

    claim: int
    worker: int
    epoch: int
    position: int
    attempt: int
    phase: Phase
    next_claim: int | None = None

    def ahead(self, claim: int, phase: Phase) -> Hold:
        """Return the claim on the step after this one, made by the same worker together with this one's result."""
        return Hold(claim, self.worker, self.epoch, self.position + 1, 1, phase)


class Bell(NamedTuple):
    """A doorbell in flight: it may be lost, come late, or be delivered any number of times."""

    epoch: int
    position: int


class Look(NamedTuple):
    """What a sweep has read and not yet acted upon; it may be stale by then."""

    claim: int | None
    epoch: int
    position: int
    dead: bool
    final: bool
    at_once: bool  # the step may run again without a wait


class Run(NamedTuple):
    """One attempt in the history; `version` is that of the snapshot which a success made."""

    epoch: int
    position: int
    claim: int
    ended: Ended
    version: int | None = None


class Snapshot(NamedTuple):
    """A version of the quest; `position` is where it would go on, None when nothing remains."""

    version: int
    epoch: int
    position: int | None
    reason: SnapshotReason
    parent: int | None = None


@dataclass(frozen=True)
class World:
    """Everything at one moment."""

    faults: int
    verbs: int
    status: ExecutionStatus | None = None
    started: bool = False
    epoch: int = 0
    version: int = 0
    fence: int = 0
    ticket: Ticket | None = None
    workers: tuple[Worker, ...] = (Worker(), Worker())
    holds: tuple[Hold, ...] = ()
    bells: tuple[Bell, ...] = ()
    looks: tuple[Look, ...] = ()
    runs: tuple[Run, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()


class Action(NamedTuple):
    """One thing that may happen.

    `next_claim` tells that a result asks for a claim on the next step in the same go, `later` that a step which is
    given back wants to be put off, `outsider` that the actor belongs to another namespace, `foreign` that the bell
    names another quest, `heard` whether the reply arrives; `start` and `seen` are those of a replay.
    """

    verb: str
    worker: int = NOBODY
    bell: Bell | None = None
    hold: Hold | None = None
    look: Look | None = None
    heard: bool = True
    final: bool = False
    next_claim: bool = False
    later: bool = False
    outsider: bool = False
    foreign: bool = False
    start: str | None = None
    seen: int | None = None

    def __str__(self) -> str:
        return " ".join([self.verb, *self._details()])

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Stand in Hypothesis's traces as in ours."""
        printer.text(str(self))

    def _details(self) -> list[str]:
        details = [f"by worker {self.worker}"] if self.worker >= 0 else []
        details += [f"for ({self.bell.epoch}, {self.bell.position})"] if self.bell else []
        details += [f"of claim {self.hold.claim}, {self.hold.phase}"] if self.hold else []
        details += [f"of claim {self.look.claim} as read"] if self.look else []
        details += [f"from {self.start}"] if self.start else []
        details += [f"seen v{self.seen}"] if self.seen is not None else []
        flags = {
            "for good": self.final,
            "with the next claim": self.next_claim,
            "to be put off": self.later,
            "from outside": self.outsider,
            "of another quest": self.foreign,
        }
        details += [text for text, set_ in flags.items() if set_]
        return details if self.heard else [*details, "(reply lost)"]
