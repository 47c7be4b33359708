"""What a handler sees: how it is registered, its context and parameters, and what it may raise.

It imports the floors below, and what keeps a project's modules apart from ours.
"""

from questline_worker.lords.attempt_cost import AttemptCost
from questline_worker.lords.attempt_log import AttemptLog, Put
from questline_worker.lords.captured import capture, speaking
from questline_worker.lords.context import LordContext
from questline_worker.lords.hooks import AllHooks, ExecutionHooks, StepEvent, StepHooks
from questline_worker.lords.lords import (
    Handler,
    find_handler,
    import_lords,
    is_async,
    known_handlers,
    lord,
    replaced,
    restored_handlers,
)
from questline_worker.lords.once import OnceCalls, mark_own_task
from questline_worker.lords.outcomes import (
    OnceMismatch,
    Permanent,
    Retry,
    Snooze,
    StepCancelled,
    leaves,
)
from questline_worker.lords.outputs import Outputs
from questline_worker.lords.parameters import fill

__all__ = [
    "AllHooks",
    "AttemptCost",
    "AttemptLog",
    "ExecutionHooks",
    "Handler",
    "LordContext",
    "OnceCalls",
    "OnceMismatch",
    "Outputs",
    "Permanent",
    "Put",
    "Retry",
    "Snooze",
    "StepCancelled",
    "StepEvent",
    "StepHooks",
    "capture",
    "fill",
    "find_handler",
    "import_lords",
    "is_async",
    "known_handlers",
    "leaves",
    "lord",
    "mark_own_task",
    "replaced",
    "restored_handlers",
    "speaking",
]
