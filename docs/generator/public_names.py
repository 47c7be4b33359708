"""What the reference of Python tells about: the public names by what one does with them, and what each consists of."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

from docstrings import read
from pydantic import BaseModel

import questline
import questline.gateway
import questline.memory
import questline.testing
from questline_persistence.batches import (
    Batch,
    BatchOrder,
    BatchOutcome,
    BatchPage,
    BatchPreview,
    BatchResult,
    BatchResults,
    BatchVerb,
)
from questline_persistence.controls import Change, Controlled, Restart, Reversal, StepAgain
from questline_persistence.costs import Cost
from questline_persistence.memory.merging import MergeConflict, MergeResult, StateChange
from questline_persistence.memory.models import Listed, Matches
from questline_persistence.models import StepProgress, StepView
from questline_persistence.records import Page
from questline_persistence.states import BatchState, RunStatus, SnapshotReason
from questline_scheduler.client import AsyncBatches, Batches
from questline_worker.lords import Outputs, StepCancelled, StepEvent

#: The parts of the reference. A class brings its members, but for those that another part names.
PARTS: dict[str, tuple[str, ...]] = {
    "lords": ("lord", "LordContext", "Outputs", "Permanent", "Retry", "Snooze", "OnceMismatch", "StepCancelled"),
    "quests": ("Quest", "LordStep", "quest_type"),
    "submit": ("QuestClient", "QuestHandle", "AsyncQuestClient", "AsyncQuestHandle"),
    "look": (
        *(f"QuestClient.{name}" for name in ("wait", "get", "list", "runs", "snapshots", "snapshot")),
        *("QuestClient.stats", "QuestClient.lord_stats", "QuestClient.repository"),
        *("ExecutionStatus", "StepView", "StepStatus", "StepProgress", "LordRun", "RunStatus"),
        *("Snapshot", "SnapshotReason", "QuestRepository", "QuestFilter", "Page"),
    ),
    "control": (
        *(f"QuestClient.{name}" for name in ("pause", "resume", "cancel", "retry", "replay", "fork", "delete")),
        *("Actor", "Controlled", "Restart", "Change", "Reversal", "StepAgain"),
        *("QuestClient.batches", "Batches", "AsyncQuestClient.batches", "AsyncBatches", "BatchVerb", "BatchState"),
        *("Batch", "BatchOrder", "BatchOutcome", "BatchPage", "BatchResult", "BatchResults", "BatchPreview"),
    ),
    "run": ("QuestExecutor", "ExecutionHooks", "StepEvent"),
    "testing": ("run_step", "Outcome", "Cost", "run_quest", "crash", "StagedExecutor", "own_registrations"),
    "memory": (
        *("AgentState", "StateTransition", "StateSnapshot", "Event", "ActorType", "Task", "TaskStatus", "Session"),
        *("WorkflowContext", "ContextStatus", "RunRecord", "RunSummary", "TodoList", "HistoryEntry", "Memory"),
        *("StepOrigin", "Migration", "SessionState", "StateStore", "Operation"),
        *("ContextPersistence", "Listed", "Matches", "StateChange", "MergeResult", "MergeConflict"),
        *("DbStateManager", "DbTodoListManager", "ExecutionHistory", "Memories"),
        *("StateManagerProtocol", "FileStateManager", "TodoListManagerProtocol", "FileTodoListManager"),
        *("Storage", "RunHistory", "get_storage"),
    ),
    "gateway": ("create_app",),
    "errors": (
        *("QuestlineError", "QuestNotFound", "QuestConflict", "PayloadError", "QuestFailed", "WaitTimeout"),
        *("ConfigurationError", "NotAllowed", "StoreUnavailable", "NotFound", "Conflict", "EncryptionError"),
    ),
}
#: Where public names are imported from; the first that has a name is its home.
HOMES = (questline, questline.memory, questline.testing, questline.gateway)
#: Classes that users meet through public names, and need not import.
MET = {
    kind.__name__: kind
    for kind in (
        *(Change, Controlled, Outputs, Page, Restart, Reversal, RunStatus, SnapshotReason, StepAgain),
        *(StepCancelled, StepEvent, StepProgress, StepView, Listed, Matches),
        *(StateChange, MergeResult, MergeConflict),
        Cost,
        *(Batches, AsyncBatches, Batch, BatchOrder, BatchOutcome, BatchPage, BatchResult, BatchResults),
        *(BatchPreview, BatchState, BatchVerb),
    )
}
#: Classes that users meet as part of others: their members are told of there.
PARTS_OF_OTHERS = {
    *("Contexts", "PlainDoor", "AsyncDoor"),
    *("AgentMethods", "HistoryMethods", "EventMethods", "TaskMethods", "SessionMethods"),
}
#: Another name of a class that has an entry.
SAME = {
    "QuestExecutionData": "Quest",
    **{
        name: getattr(questline.memory, name).__name__
        for name in questline.memory.__all__
        if name != getattr(questline.memory, name).__name__
    },
}
#: Classes whose objects users are given, and never make.
GIVEN = {
    *(
        "LordContext",
        "QuestHandle",
        "AsyncQuestHandle",
        "LordRun",
        "Snapshot",
        "StateSnapshot",
        "StepOrigin",
        "SessionState",
    ),
    *("StateManagerProtocol", "TodoListManagerProtocol", "Storage", "RunRecord", "RunSummary", "Migration"),
    *("Operation", "Outcome", *MET),
}
#: Members that only questline itself has a use for.
INTERNAL = {
    *(f"QuestRepository.{name}" for name in ("outputs_at", "outputs_of", "output", "inherited", "live_handlers")),
    *(
        "Controlled.preview",
        "QuestHandle.preview",
        "QuestRepository.glance",
        "QuestRepository.tickets",
        "QuestClient.register",
        "QuestFilter.conditions",
        "QuestFilter.refuse_sealed",
    ),
    *("StagedExecutor.attempt", "StagedExecutor.keep", "StagedExecutor.last_end"),
    *("Quest.model_post_init", "ExecutionStatus.told", "QuestlineError.preface"),
    *(
        f"ExecutionHooks.{name}"
        for name in ("step_started", "step_ended", "step_settled", "quest_changed", "quest_ended")
    ),
}
#: How types are written that have another name in the code.
TYPES = {
    "QuestExecutionData": "Quest",
    "QuestRef": "str | QuestHandle | Quest",
    "OnConflict": '"error" | "return"',
    "Correction": "Mapping[str, Any]",
    "Statuses": "ExecutionStatus | str | Sequence[ExecutionStatus | str]",
    "Moment": "float | datetime | str",
    "Length": "float | timedelta",
    **dict.fromkeys(("Name", "QuestId", "LabelKey", "LabelValue", "KeyText", "ShortText", "FreeText"), "str"),
    **{f"Any{name}": f"{name} | str" for name in ("ActorType", "TaskStatus", "ContextStatus")},
    "Number": "int",
    "AnyStore": "str | Path | None",
    "Structure": "dict[str, Any] | list[Any]",
}
NOTHING: Any = inspect.Parameter.empty
#: The name of keywords that are taken only to be refused by name.
REFUSED = "unknown"

_LIKE = re.compile(r"as `(\w+\.\w+)` does")


def found(name: str) -> Any:
    """Return what a name of the reference stands for: a class, a function, or a member of a class."""
    first, _, member = name.partition(".")
    home = next((home for home in HOMES if first in home.__all__), questline)
    thing = MET[first] if first in MET else getattr(home, first)
    return inspect.getattr_static(thing, member) if member else thing


def public_names() -> set[str]:
    """Return all names that users can import."""
    return {name for home in HOMES for name in home.__all__ if not name.startswith("_")}


def members_of(name: str) -> list[str]:
    """Return the members of a class that have no place of their own in the reference."""
    elsewhere = INTERNAL.union(*PARTS.values())
    home = found(name)
    called = [
        f"{name}.{member}"
        for part in home.__mro__
        if part is home or part.__name__ in PARTS_OF_OTHERS
        for member, thing in vars(part).items()
        if not member.startswith("_") and (inspect.isfunction(thing) or isinstance(thing, property | cached_property))
    ]
    return [member for member in called if member not in elsewhere]


def model_of(name: str) -> str | None:
    """Return the method that a docstring refers to, as in "as `QuestClient.pause` does", or None."""
    named = _LIKE.search(read(found(name)).summary)
    return named and named[1]


def parameters_told(name: str) -> dict[str, str]:
    """Return what is said of a function's parameters: by itself, by the method that it is like, and by its class."""
    return _told(name, "Parameters", "Parameters of its methods")


def errors_told(name: str) -> dict[str, str]:
    """Return what is said of the errors that a function raises: by itself, or as of its parameters."""
    return _told(name, "Raises", "Raised by its methods")


def _told(name: str, own: str, of_all: str) -> dict[str, str]:
    owner, _, member = name.partition(".")
    model = model_of(name)
    shared = read(found(owner)).entries(of_all) if member else {}
    return {**(_told(model, own, of_all) if model else {}), **shared, **read(found(name)).entries(own)}


def parameters_of(thing: Any) -> dict[str, inspect.Parameter]:
    """Return what a function is called with, or a class that has a constructor of its own."""
    if inspect.isclass(thing) and not _is_constructed(thing):
        return {}
    taken = inspect.signature(thing).parameters
    return {name: one for name, one in taken.items() if name not in {"self", REFUSED}}


def _is_constructed(thing: type) -> bool:
    """Return whether a class has a constructor of ours; errors are made as their parents are, which tell how."""
    if issubclass(thing, Exception):
        return "__init__" in vars(thing)
    return getattr(thing.__init__, "__module__", "").startswith("questline")  # type: ignore[misc]


def fields_of(thing: type) -> dict[str, tuple[str, Any]]:
    """Return the type and the default of each public field of a record, a dataclass or a named tuple."""
    if issubclass(thing, BaseModel):
        return {
            name: (_limited(thing.__annotations__[name], field.metadata), _default_of_record(field))
            for name, field in thing.model_fields.items()
        }
    if is_dataclass(thing) and getattr(thing, "__dataclass_params__").init:  # noqa: B009  (of dataclasses alone)
        public = [field for field in fields(thing) if not field.name.startswith("_")]
        return {one.name: (type_text(one.type), _plain(one.default)) for one in public}
    if issubclass(thing, tuple):
        return {name: (type_text(kind), NOTHING) for name, kind in thing.__annotations__.items()}
    return {}


def type_text(annotation: Any) -> str:
    """Return a type as the code writes it, with the names that users know."""
    text = str(getattr(annotation, "__forward_arg__", annotation))
    return re.sub(r"\b\w+\b", lambda match: TYPES.get(match[0], match[0]), text)


def _default_of_record(field: Any) -> Any:
    return NOTHING if field.is_required() or field.default_factory else field.default


def _plain(default: Any) -> Any:
    return default if isinstance(default, str | int | float | tuple | None) else NOTHING


def _limited(annotation: Any, metadata: Any) -> str:
    """Return a field's type with the limits that are set on a number."""
    limits = {name: getattr(one, name) for one in metadata for name in ("ge", "gt", "le") if hasattr(one, name)}
    if "le" not in limits:
        return type_text(annotation)
    least = f"{limits['ge']:,} to" if "ge" in limits else f"above {limits['gt']:,}, at most"
    return f"{type_text(annotation)}, {least} {limits['le']:,}"
