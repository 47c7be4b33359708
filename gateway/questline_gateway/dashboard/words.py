"""What states are called, and how they look: an icon, a word and a colour, always the three together."""

from __future__ import annotations

from typing import NamedTuple

from questline_persistence.batches import BatchOutcome
from questline_persistence.records import Cause
from questline_persistence.states import BatchState, ExecutionStatus, RunStatus, StepStatus, WorkerState


class Look(NamedTuple):
    """How a state is shown.

    Parameters:
      tone: the colour, as a class of the style sheet.
      icon: the name of the symbol.
      word: what people read.
    """

    tone: str
    icon: str
    word: str


_LOOKS: dict[type, dict[str, Look]] = {
    ExecutionStatus: {
        "new": Look("off", "new", "New"),
        "running": Look("run", "running", "Running"),
        "waiting": Look("wait", "waiting", "Waiting"),
        "pausing": Look("hold", "pausing", "Pausing"),
        "paused": Look("hold", "paused", "Paused"),
        "completed": Look("ok", "completed", "Completed"),
        "failed": Look("bad", "failed", "Failed"),
        "cancelled": Look("off", "cancelled", "Cancelled"),
    },
    StepStatus: {
        "pending": Look("off", "pending", "pending"),
        "queued": Look("off", "new", "queued"),
        "running": Look("run", "running", "running"),
        "waiting": Look("wait", "waiting", "waiting"),
        "success": Look("ok", "completed", "success"),
        "error": Look("bad", "failed", "error"),
        "skipped": Look("off", "skipped", "skipped"),
    },
    RunStatus: {
        "success": Look("ok", "completed", "success"),
        "error": Look("bad", "failed", "error"),
        "skipped": Look("off", "skipped", "skipped"),
        "cancelled": Look("off", "cancelled", "cancelled"),
        "conflict": Look("hold", "tri", "conflict"),
    },
    BatchState: {
        "new": Look("off", "new", "New"),
        "running": Look("run", "running", "Running"),
        "done": Look("ok", "completed", "Done"),
        "aborted": Look("off", "cancelled", "Aborted"),
    },
    BatchOutcome: {
        "changed": Look("ok", "completed", "Changed"),
        "unchanged": Look("off", "skipped", "Unchanged"),
        "refused": Look("hold", "tri", "Refused"),
        "failed": Look("bad", "failed", "Failed"),
    },
    WorkerState: {
        "live": Look("ok", "completed", "Live"),
        "lost": Look("bad", "failed", "Lost"),
        "stopped": Look("off", "cancelled", "Stopped"),
    },
}
#: The colour of what a quest waits for; what is not named needs a person.
_TONES = {
    Cause.RUNNING: "run",
    Cause.QUEUED: "off",
    Cause.BACK_OFF: "wait",
    Cause.SNOOZED: "wait",
}


def look(state: ExecutionStatus | StepStatus | RunStatus | WorkerState | BatchState | BatchOutcome) -> Look:
    """Return how a state is shown."""
    return _LOOKS[type(state)][state.value]


def tone_of(cause: Cause) -> str:
    """Return the colour of what a quest waits for."""
    return _TONES.get(cause, "hold")
