"""What passes between a worker and the journal: doorbells, claims, and how a claim ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from questline_persistence.clock import uptime
from questline_persistence.payload import CLEAR, HIDDEN, Codec, cells, decode
from questline_persistence.states import ExecutionStatus
from questline_persistence.writes import Pushes, Write

#: How long a wake-up may go unanswered before it is sent again, in seconds; it doubles each time.
REDISPATCH_FIRST = 2.0
#: How much too early a claim may come, in seconds: the clock offsets of two processes never agree quite.
CLAIM_SLACK = 1.0
#: How much too early a ticket may be rung for, in seconds: this process's clock may have been set back a little.
RING_SLACK = 0.05
#: The longest such wait.
REDISPATCH_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Doorbell:
    """Word that a step may run: ids alone. Rung twice, or for nothing, it does no harm.

    `fence` tells one readiness of a ticket from the next, so that a broker can drop a second ring for
    the same one while the first is still queued.
    """

    quest_id: str
    epoch: int
    position: str
    fence: int = 0
    queue: str = "default"
    priority: int = 0
    available_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A request to run a step: the doorbell's ids and the name of the claim, should it be won."""

    quest_id: str
    epoch: int
    position: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a step, with all that its handler needs.

    `start_time` is when the store says that it began, `began` when this process learnt of it by its own clock.
    """

    claim_id: str
    worker_id: str
    quest_id: str
    quest_type: str
    namespace: str
    epoch: int
    position: str
    lord_name: str
    tool_name: str
    occurrence: int
    params_json: str
    input_json: str
    attempt: int
    lost: int
    version: int
    max_attempts: int
    timeout_seconds: float
    backoff_seconds: float
    start_time: float
    queue: str
    fence: int
    #: How many steps this process may run at most for as long as it runs this one; of no meaning where `lost` is 0.
    company: int = 0
    #: What the params and the input have passed, which stand here as they are stored.
    codec: Codec = field(default=CLEAR, compare=False, repr=False)
    began: float = field(default_factory=uptime, compare=False, repr=False)

    @property
    def handler(self) -> str:
        """The name under which a worker knows the step's function."""
        return f"{self.lord_name}:{self.tool_name}"

    @property
    def idempotency_key(self) -> str:
        """The step's name for the outside world: the same over retries and crashes."""
        return f"{self.quest_id}:{self.epoch}:{self.position}"

    def time(self) -> float:
        """Return the time by this claim: when it began, and what has passed since. So no attempt ends before it began.

        The database's own time may step in between, by a better reading or because somebody has set its clock.
        """
        return self.start_time + uptime() - self.began

    def tellable(self, error: str) -> str:
        """Return what log lines and traces may tell of an error: nothing where payloads are encrypted."""
        return HIDDEN if self.codec.seals else error

    @property
    def params(self) -> dict[str, Any]:
        """The step's own parameters.

        Raises:
          EncryptionError: the process cannot read them; as for `input_data`.
        """
        cell = cells.of_step(self.quest_id, self.epoch, self.position)
        params: dict[str, Any] = decode(self.codec.open(self.params_json, cell))
        return params

    @property
    def input_data(self) -> dict[str, Any]:
        """The quest's input."""
        cell = cells.of_quest("input_data", self.namespace, self.quest_id)
        data: dict[str, Any] = decode(self.codec.open(self.input_json, cell))
        return data


#: What a claim's statement returns, in this order: of the ticket, of its step, and of its quest.
CLAIMED = (
    "attempt",
    "claim_id",
    "quest_id",
    "epoch",
    "position",
    "lost",
    "company",
    "version",
    "queue",
    "fence",
    "lord_name",
    "tool_name",
    "occurrence",
    "params_json",
    "max_attempts",
    "timeout_seconds",
    "backoff_seconds",
    "quest_type",
    "input_json",
)


def claimed(row: Sequence[Any], *, worker_id: str, namespace: str, now: float) -> Claim:
    """Return the claim that a row of a claim's statement tells of."""
    found = dict(zip(CLAIMED, row, strict=True))
    if not found["lost"]:
        found["company"] = 0  # the ticket still says what it said of an earlier step
    return Claim(worker_id=worker_id, namespace=namespace, start_time=now, **found)


def claim_on_next(
    claim: Claim, step: Sequence[Any], *, claim_id: str, worker_id: str, version: int, fence: int, now: float
) -> Claim:
    """Return the claim on the step after that of `claim`, made together with its checkpoint.

    Parameters:
      step: position, Lord, tool, occurrence, params, most attempts, timeout and back-off of that step.
    """
    position, lord_name, tool_name, occurrence, params, max_attempts, timeout_seconds, backoff_seconds = step
    return Claim(  # `replace` takes twice as long
        claim_id=claim_id,
        worker_id=worker_id,
        quest_id=claim.quest_id,
        quest_type=claim.quest_type,
        namespace=claim.namespace,
        epoch=claim.epoch,
        position=position,
        lord_name=lord_name,
        tool_name=tool_name,
        occurrence=occurrence,
        params_json=params,
        input_json=claim.input_json,  # only a replay changes it, and with it the epoch
        codec=claim.codec,
        attempt=1,
        lost=0,
        version=version,
        max_attempts=max_attempts,
        timeout_seconds=timeout_seconds,
        backoff_seconds=backoff_seconds,
        start_time=now,
        queue=claim.queue,
        fence=fence,
    )


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned: its output as JSON text, and what its step writes besides.

    `last` is the output as the quest has it, should the step be its last; None: the same text.
    """

    output: str
    also: tuple[Write, ...] = ()
    last: str | None = None

    @property
    def pushes(self) -> bool:
        """Whether the step pushes others."""
        return any(isinstance(write, Pushes) for write in self.also)


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt came to an error. `retry_in` is the wait before the next one in seconds; None fails the quest."""

    error: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler asked for the step to be put off by `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """The handler stopped because its claim was gone; there is nothing to write."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The handler did not come to work here; the step is offered again, and no attempt is spent.

    `quiet` is for how many seconds nobody is told of it.
    """

    quiet: float = 0.0


#: How a step that was claimed has ended.
Outcome = Succeeded | Failed | Snoozed | Dropped | GivenBack
_Outcome_co = TypeVar("_Outcome_co", bound=Succeeded | Failed, covariant=True)


@dataclass(frozen=True, slots=True)
class Checkpoint(Generic[_Outcome_co]):
    """The end of a claimed step, to be written: its outcome, and when that was.

    `next_claim_id` asks, with a success, for a claim under that name on the step after it, in the same go. The claim is
    made if that step is in the same queue, its Lord known here, and no pause asked for.
    """

    claim: Claim
    outcome: _Outcome_co
    end_time: float
    next_claim_id: str | None = None


@dataclass(frozen=True, slots=True)
class OnceRecord:
    """What one call within a step came to, to be kept for the later attempts of that step.

    Parameters:
      claim: the hold on the step under which it ran.
      name: the call's name, which no other call of the step has.
      ordinal: its place among the calls of the step, from 0.
      overlapped: whether another task or thread than the handler's own has made it, so that its place may change.
      result: what it returned, as JSON text.
      start_time: when it began, in epoch seconds of the database.
      end_time: when it had returned.
    """

    claim: Claim
    name: str
    ordinal: int
    overlapped: bool
    result: str
    start_time: float
    end_time: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the step of a claim says to be: a fraction of 0.0 to 1.0, and what is being done."""

    quest_id: str
    claim_id: str
    fraction: float
    message: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claim that ended.

    `won` tells whether the claim still held the step; if not, nothing was written. `doorbell` is the
    ticket that is ready now, if any; `status` the quest's status where this changed it; `next_claim` the
    claim on the next step, where one was asked for and won.
    """

    won: bool
    doorbell: Doorbell | None = None
    status: ExecutionStatus | None = None
    next_claim: Claim | None = None


def settled_by(claim: Claim, row: Sequence[Any], *, worker_id: str, now: float) -> Settled:
    """Return what a row of a checkpoint's statement tells: the quest completed, paused, ready or going on at once.

    Parameters:
      claim: the claim that ended.
      row: fence, version, whether it was paused, queue, priority, the next claim's id if there is one, and the
        columns of the next step as in `claim_on_next`, beginning with its position: None if none is ahead.
      worker_id: who has the next claim.
      now: when that happened.
    """
    fence, version, paused, queue, priority, next_claim_id, *step = row
    position = step[0]
    if position is None:
        return Settled(won=True, status=ExecutionStatus.COMPLETED)
    if paused:
        return Settled(won=True, status=ExecutionStatus.PAUSED)
    if next_claim_id is None:
        return Settled(won=True, doorbell=Doorbell(claim.quest_id, claim.epoch, position, fence, queue, priority, now))
    return Settled(
        won=True,
        next_claim=claim_on_next(
            claim, step, claim_id=next_claim_id, worker_id=worker_id, version=version, fence=fence, now=now
        ),
    )
