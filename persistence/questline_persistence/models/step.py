"""The steps of a quest: as a producer writes them, and as people look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from questline_persistence.ids import MAX_NAME, NAME
from questline_persistence.models.record import Record
from questline_persistence.states import StepStatus
from questline_persistence.step_names import StepName, by_place, named_apart

#: Most steps that one stack may hold; positions are four digits wide.
MAX_STEPS = 9_999

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=NAME)]


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
