"""A quest: what to run, on what input, and how far it has come."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from questline_persistence.ids import new_quest_id
from questline_persistence.models.labels import MAX_LABELS, LabelKey, LabelValue
from questline_persistence.models.record import Record
from questline_persistence.models.step import MAX_STEPS, LordStep, Name, StepProgress, StepView
from questline_persistence.states import ExecutionStatus

#: The most urgent priority; its negative is the least urgent.
MAX_PRIORITY = 1_000
#: Longest idempotency key, in characters.
MAX_KEY_LENGTH = 255
#: Longest reason that an admin may give, in characters.
MAX_REASON = 2_000
#: The version of the quest object's shape, stored beside every quest.
SCHEMA_VERSION = 1

QuestId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][!-~]*$")]


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
