"""What users hold in their hands: quests, steps, runs and snapshots, as Pydantic models.

Every model can be read by attribute and by key (`quest.status`, `quest["status"]`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, PrivateAttr, model_validator

from questline_persistence.errors import PayloadError
from questline_persistence.ids import MAX_NAME, NAME, new_quest_id
from questline_persistence.payload import refuse_halves
from questline_persistence.record import Record
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason, StepStatus
from questline_persistence.step_names import StepName, by_place, named_apart

#: Most steps that one stack may hold; positions are four digits wide.
MAX_STEPS = 9_999
#: The most urgent priority; its negative is the least urgent.
MAX_PRIORITY = 1_000
#: Longest idempotency key, in characters.
MAX_KEY_LENGTH = 255
#: Most labels on one quest.
MAX_LABELS = 32
#: Longest key of a label, in characters.
MAX_LABEL_KEY = 63
#: Longest value of a label, in characters.
MAX_LABEL_VALUE = 255
#: Longest reason that an admin may give, in characters.
MAX_REASON = 2_000
#: The version of the quest object's shape, stored beside every quest.
SCHEMA_VERSION = 1

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=NAME)]
QuestId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][!-~]*$")]
LABEL_KEY = rf"[A-Za-z0-9_.\-/]{{1,{MAX_LABEL_KEY}}}"
LabelKey = Annotated[str, Field(pattern=f"^{LABEL_KEY}$")]
LabelValue = Annotated[str, Field(max_length=MAX_LABEL_VALUE)]


class LordStep(Record):
    """One step of a stack: which Lord, which of its tools, and how it may be retried.

    The two names may stand in one word, `"architect:design_system"`; or give the function that `@lord` has registered.
    Wherever steps are given (a quest's stack, a quest type, `ctx.push`), the word or the function alone is a step, too.

    Parameters:
      lord_name: the Lord.
      tool_name: the tool.
      params: JSON object; its values fill the handler's parameters of the same name.
      max_attempts: how many failures the step may have before the quest fails.
      timeout_seconds: how long one attempt may take, counted from its claim.
      backoff_seconds: the wait after the first failure; it doubles with each further one.
      queue: the queue to run on; None means the Lord's own, or else the quest's.

    Raises:
      PayloadError: a field is unknown, missing or wrong.

    Example:
      LordStep("architect", "design_system", params={"service": "billing"}, max_attempts=5)
      LordStep("architect:design_system")  # the same step, with the usual options
      LordStep(design_system)  # the function that @lord("architect", "design_system") has registered
    """

    lord_name: Name
    tool_name: Name
    params: dict[str, Any] = Field(default_factory=dict)
    max_attempts: int = Field(default=3, ge=1, le=1000)
    timeout_seconds: float = Field(default=600.0, gt=0, le=30 * 86400)
    backoff_seconds: float = Field(default=1.0, ge=0, le=86400)
    queue: Name | None = None

    if TYPE_CHECKING:

        def __init__(self, *names: StepName, **options: Any) -> None: ...

    @classmethod
    def _by_place(cls, *names: StepName) -> dict[str, Any]:
        """Return the fields that are given without their names, as in `LordStep("architect", "design_system")`."""
        return by_place(*names)

    @model_validator(mode="before")
    @classmethod
    def _name_apart(cls, written: Any) -> Any:
        """Accept a step whose Lord and tool stand in one word."""
        return named_apart(written)

    @property
    def handler(self) -> str:
        """The name under which a worker knows the step's function: `lord:tool`."""
        return f"{self.lord_name}:{self.tool_name}"


def as_step(written: LordStep | StepName) -> LordStep:
    """Return the step that somebody gave as such, as `"lord:tool"`, or as a function.

    Raises:
      InvalidRecord: it is none of them.
    """
    return written if isinstance(written, LordStep) else LordStep(written)


class StepView(Record):
    """One step of a quest as people look at it.

    Parameters:
      position: its place in the stack, as text that sorts: `0003`, and `0003.0001` for a step pushed by it.
      lord_name: the Lord.
      tool_name: the tool.
      status: where it is.
      attempts: how often it has been tried in the epoch in which it ran last, a try that runs now included.
      max_attempts: how many failures it may have.
      lost: how many workers were lost while they ran it; those tries count as no attempts.
      earlier_attempts: how many of the attempts came before somebody retried the quest; a retry allows all again.
      progress: how far the try that runs now says to be, 0.0 to 1.0, as of the last heartbeat; None if it does not say.
      progress_message: what it says to be doing.
    """

    position: str
    lord_name: str
    tool_name: str
    status: StepStatus
    attempts: int
    max_attempts: int = 3
    lost: int = 0
    earlier_attempts: int = 0
    progress: float | None = None
    progress_message: str | None = None


class StepProgress(NamedTuple):
    """How far a step says to be, and what it is doing.

    Parameters:
      fraction: 0.0 to 1.0.
      message: what `ctx.progress` was told, or "".
    """

    fraction: float
    message: str


class QuestExecutionData(Record):
    """A quest: what to run, on what input, and what has come of it so far.

    A producer gives `quest_type`, `input_data`, `execution_stack` and, if it likes, `quest_id`, `labels`,
    `queue` and `priority`; everything else is filled in by the store. Times called `*_time` are epoch
    seconds, those called `*_at` RFC 3339 in UTC. Fields can be read by key, too: `quest["status"]`.

    Parameters:
      quest_id: its name in the namespace; a new one, if not given.
      quest_type: what kind of quest it is; a registered type also makes its steps.
      namespace: the tenant.
      status: where it is in its life.
      epoch: its replay number: 0, and one more with each replay.
      version: how often its state has changed; each has a snapshot.
      input_data: its input, a JSON object that every step can read.
      output_data: the last step's output, once it is completed.
      run_data: the newest output of each Lord, by its name; `LORD#1`, `LORD#2` … too where a Lord has several.
      execution_stack: the steps that remain; a producer may write `("lord", "tool")` for a step.
      steps: all steps with their status; empty in lists.
      error: why it failed.
      reason: the reason that somebody gave who paused or cancelled it.
      labels: words to find it by.
      queue: the queue of steps that name none, and whose Lord names none.
      priority: higher ones run first, where steps wait.
      idempotency_key: the key that it was submitted with.
      forked_from: the quest and the version that it was forked from, as `ID@vN`.
      start_time: when its first step began, or the first since its last replay.
      end_time: when it ended.
      duration_seconds: the time from the one to the other.
      created_at: when it was submitted.
      updated_at: when its status changed last.
      schema_version: the version of this object's shape.

    Raises:
      PayloadError: a field is unknown, missing or wrong.

    Example:
      steps = [LordStep("architect", "design_system"), LordStep("forge_master", "generate_code")]
      quest = Quest(quest_type="design_microservice", input_data={"service": "billing"}, execution_stack=steps)
    """

    quest_id: QuestId = Field(default_factory=new_quest_id)
    quest_type: Name
    namespace: str = "default"
    status: ExecutionStatus = ExecutionStatus.NEW
    epoch: int = 0
    version: int = 0
    input_data: dict[str, Any] = Field(default_factory=dict)
    output_data: Any = None
    run_data: dict[str, Any] = Field(default_factory=dict)
    execution_stack: list[LordStep] = Field(default_factory=list, max_length=MAX_STEPS)
    steps: list[StepView] = Field(default_factory=list)
    error: str | None = None
    reason: str | None = None
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=MAX_LABELS)
    queue: Name = "default"
    priority: int = Field(default=0, ge=-MAX_PRIORITY, le=MAX_PRIORITY)
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=MAX_KEY_LENGTH)
    forked_from: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    duration_seconds: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    schema_version: int = SCHEMA_VERSION
    _progress: dict[str, int] | None = PrivateAttr(default=None)
    _step_progress: StepProgress | None = PrivateAttr(default=None)

    @property
    def progress(self) -> dict[str, int]:
        """How many steps are completed and how many remain: `{"completed": 1, "remaining": 2}`."""
        if self._progress is not None:
            return self._progress
        return {"completed": 0, "remaining": len(self.execution_stack)}

    @property
    def step_progress(self) -> StepProgress | None:
        """How far the running step has told to be, as of its worker's last heartbeat; None if it has not told."""
        return self._step_progress

    def to_json(self) -> dict[str, Any]:
        """Return the quest object with its `progress`."""
        return {**super().to_json(), "progress": self.progress}


#: The short name of `QuestExecutionData`.
Quest = QuestExecutionData


def refuse_labels(labels: Mapping[Any, Any]) -> None:
    """Raise PayloadError unless these are labels; asked at the door, since they can change after a quest was made."""
    if len(labels) > MAX_LABELS:
        raise PayloadError(f"labels: {len(labels):,} are too many; the limit is {MAX_LABELS}", hint=_LABELS_HINT)
    for key, value in labels.items():
        if not isinstance(key, str) or not re.fullmatch(LABEL_KEY, key):
            raise PayloadError(f"labels: {key!r:.100} is not a label's key", hint=_LABEL_KEY_HINT)
        if not isinstance(value, str):
            raise PayloadError(f"labels.{key} is {type(value).__name__}, not text", hint="write it in quotes")
        refuse_halves(value, what=f"labels.{key}")
        if len(value) > MAX_LABEL_VALUE:
            message = f"labels.{key} is {len(value):,} characters long; the limit is {MAX_LABEL_VALUE}"
            raise PayloadError(message, hint=_LABELS_HINT)


_LABELS_HINT = "labels are for finding quests; put everything else into input_data"
_LABEL_KEY_HINT = f"a key is letters, digits and . _ - / (at most {MAX_LABEL_KEY} characters)"


class LordRun(Record):
    """One recorded attempt of one step; it never changes.

    Parameters:
      run_id: its number; higher ones were recorded later.
      quest_id: the quest.
      epoch: the quest's replay number at that time.
      position: the step's place in the stack; None for what a program recorded itself.
      lord_name: the Lord.
      tool_name: the tool.
      run_index: which step of this Lord it belongs to, from 1.
      status: how it ended.
      input_data: what the handler was given: the step's params.
      output_data: what it returned.
      error_message: what it raised.
      attempt_number: which attempt it was, from 1.
      max_attempts: how many failures the step may have.
      start_time: when it began.
      end_time: when it ended.
      duration_seconds: the time from the one to the other.
      created_at: when it was recorded.
      worker_id: the worker process that ran it.
      claim_id: that process's hold on the step.
      lost: whether it ended because its worker was lost.
      code_version: which code ran it, as the worker was told.
    """

    run_id: int
    quest_id: str
    epoch: int
    position: str | None
    lord_name: str
    tool_name: str
    run_index: int
    status: RunStatus
    input_data: Any
    output_data: Any
    error_message: str | None
    attempt_number: int
    max_attempts: int
    start_time: float
    end_time: float | None
    duration_seconds: float | None
    created_at: str
    worker_id: str | None
    claim_id: str | None
    lost: bool = False
    code_version: str | None = None


class Snapshot(Record):
    """The immutable state of a quest at one version, whole.

    Parameters:
      snapshot_id: its number in the store.
      quest_id: the quest.
      version: the version of the quest's state.
      epoch: the quest's replay number at that time.
      position: the step that comes next; None where none remains.
      snapshot_reason: why it was taken.
      run_data: the outputs so far, as of `Quest`.
      execution_stack: the steps that remain.
      created_at: when it was taken.
    """

    snapshot_id: int
    quest_id: str
    version: int
    epoch: int
    position: str | None
    snapshot_reason: SnapshotReason
    run_data: dict[str, Any]
    execution_stack: list[LordStep]
    created_at: str
