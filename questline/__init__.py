"""questline runs quests durably: stacks of steps, each checkpointed to SQL, on a pool of Dramatiq workers.

Users import from here alone. A name is loaded from its floor when it is first used, so that importing
questline costs a producer neither SQLAlchemy nor Dramatiq.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from questline_persistence.audit import Actor
    from questline_persistence.errors import (
        ConfigurationError,
        NotAllowed,
        PayloadError,
        QuestConflict,
        QuestFailed,
        QuestlineError,
        QuestNotFound,
        StoreUnavailable,
        WaitTimeout,
    )
    from questline_persistence.models import LordRun, LordStep, Quest, QuestExecutionData, Snapshot
    from questline_persistence.records import QuestFilter, QuestRepository
    from questline_persistence.states import ExecutionStatus, StepStatus
    from questline_scheduler.client import AsyncQuestClient, AsyncQuestHandle, QuestClient, QuestHandle
    from questline_scheduler.quest_types import quest_type
    from questline_worker.executor import ExecutionHooks, QuestExecutor
    from questline_worker.lords import LordContext, OnceMismatch, Permanent, Retry, Snooze, lord

    __version__: str

__all__ = [
    "Actor",
    "AsyncQuestClient",
    "AsyncQuestHandle",
    "ConfigurationError",
    "ExecutionHooks",
    "ExecutionStatus",
    "LordContext",
    "LordRun",
    "LordStep",
    "NotAllowed",
    "OnceMismatch",
    "PayloadError",
    "Permanent",
    "Quest",
    "QuestClient",
    "QuestConflict",
    "QuestExecutionData",
    "QuestExecutor",
    "QuestFailed",
    "QuestFilter",
    "QuestHandle",
    "QuestNotFound",
    "QuestRepository",
    "QuestlineError",
    "Retry",
    "Snapshot",
    "Snooze",
    "StepStatus",
    "StoreUnavailable",
    "WaitTimeout",
    "__version__",
    "lord",
    "quest_type",
]

#: The module or room that hands on each public name.
_HOMES = {
    "Actor": "questline_persistence.audit",
    "AsyncQuestClient": "questline_scheduler.client",
    "AsyncQuestHandle": "questline_scheduler.client",
    "ConfigurationError": "questline_persistence.errors",
    "ExecutionHooks": "questline_worker.executor",
    "ExecutionStatus": "questline_persistence.states",
    "LordContext": "questline_worker.lords",
    "LordRun": "questline_persistence.models",
    "LordStep": "questline_persistence.models",
    "NotAllowed": "questline_persistence.errors",
    "OnceMismatch": "questline_worker.lords",
    "PayloadError": "questline_persistence.errors",
    "Permanent": "questline_worker.lords",
    "Quest": "questline_persistence.models",
    "QuestClient": "questline_scheduler.client",
    "QuestConflict": "questline_persistence.errors",
    "QuestExecutionData": "questline_persistence.models",
    "QuestExecutor": "questline_worker.executor",
    "QuestFailed": "questline_persistence.errors",
    "QuestFilter": "questline_persistence.records",
    "QuestHandle": "questline_scheduler.client",
    "QuestNotFound": "questline_persistence.errors",
    "QuestRepository": "questline_persistence.records",
    "QuestlineError": "questline_persistence.errors",
    "Retry": "questline_worker.lords",
    "Snooze": "questline_worker.lords",
    "Snapshot": "questline_persistence.models",
    "StepStatus": "questline_persistence.states",
    "StoreUnavailable": "questline_persistence.errors",
    "WaitTimeout": "questline_persistence.errors",
    "lord": "questline_worker.lords",
    "quest_type": "questline_scheduler.quest_types",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first used, and keep it."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  (20 ms that only this name needs)

        value: Any = version("questline")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'questline' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})
