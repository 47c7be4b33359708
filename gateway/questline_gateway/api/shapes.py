"""The shapes of answers, for the description of the API: taken from the records that are answered."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from questline_persistence.audit import AuditEntry
from questline_persistence.batches import BatchOutcome, BatchResult, BatchVerb
from questline_persistence.costs import BudgetScope
from questline_persistence.keys import Scope
from questline_persistence.memory.looking import VersionView
from questline_persistence.memory.models import (
    AgentState,
    Event,
    Memory,
    RunRecord,
    RunSummary,
    StateTransition,
    TodoList,
    WorkflowContext,
)
from questline_persistence.models import LordRun, QuestExecutionData, Snapshot, StepView
from questline_persistence.records import Cause, LordStatistics, QueueView, SnapshotHead, Span
from questline_persistence.states import BatchState, ExecutionStatus, WorkerState
from questline_persistence.step_log import LineKind

#: Records that are answered as they are.
_RECORDS: dict[str, Any] = {
    "Attempt": LordRun,
    "Snapshot": Snapshot,
    "SnapshotHead": SnapshotHead,
    "Step": StepView,
    "LordStatistics": LordStatistics,
    "Queue": QueueView,
    "Run": RunRecord,
    "RunSummary": RunSummary,
    "AgentState": AgentState,
    "StateTransition": StateTransition,
    "Event": Event,
    "WorkflowContext": WorkflowContext,
    "TodoList": TodoList,
    "Memory": Memory,
    "Version": VersionView,
    "AuditEntry": AuditEntry,
    "BatchResult": BatchResult,
}
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_NUMBER = {"type": "number"}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_WHOLE = {"type": "integer"}


def schemas() -> dict[str, Any]:
    """Return every shape by its name, as JSON Schema."""
    found: dict[str, Any] = {}
    for name, record in _RECORDS.items():
        found[name] = _of_record(record, found)
    quest = _of_record(QuestExecutionData, found)
    found["Quest"] = _with(quest, progress={"$ref": _ref("Progress")})
    calls = {"type": "array", "items": {"$ref": _ref("OnceCall")}}
    found["LordStatistics"] = _with(found["LordStatistics"], cost=_object(**_COST))
    found["ExplainedQuest"] = _with(found["Quest"], why={"$ref": _ref("Situation")}, calls=calls)
    return dict(sorted((found | _WRITTEN).items()))


def answers(name: str, description: str, *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return how a route is described that answers one object.

    Parameters:
      name: the object's shape.
      description: what it is.
      status: the status.
    """
    return {status: _described({"$ref": _ref(name)}, description)}


def lists(name: str, description: str, **more: Any) -> dict[int | str, dict[str, Any]]:
    """Return how a route is described that answers a page of a list.

    Parameters:
      name: the shape of an item.
      description: what the list is.
      more: further members of the page, as JSON Schema.
    """
    members = {"items": {"type": "array", "items": {"$ref": _ref(name)}}, "next_cursor": _TEXT_OR_NULL, **more}
    return {200: _described(_object(**members), description)}


def finds(name: str) -> dict[int | str, dict[str, Any]]:
    """Return how a search is described.

    Parameters:
      name: the shape of what is found.
    """
    return lists(name, "What was found, the best first.", newest_only={"type": "boolean"})


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _of_record(record: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return a record's own schema; those that it refers to go into `found`."""
    adapter = TypeAdapter[Any](record)
    schema = adapter.json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    found |= schema.pop("$defs", {})
    if isinstance(record, type) and issubclass(record, BaseModel):
        schema["required"] = list(schema["properties"])
    return {key: value for key, value in schema.items() if key != "description"}


def _with(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an object's schema with further members."""
    return {
        **schema,
        "properties": {**schema["properties"], **more},
        "required": [*schema["required"], *more],
    }


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


#: A key, without its secret.
_KEY: dict[str, Any] = {
    **dict.fromkeys(("key_id", "namespace", "name", "prefix"), _TEXT),
    "state": {"enum": ["active", "expired", "revoked"]},
    "scopes": {"type": "array", "items": {"enum": [str(one) for one in Scope]}},
    "payloads": {"type": "boolean"},
    **dict.fromkeys(("created_at", "created_by"), _TEXT),
    **dict.fromkeys(("expires_at", "last_used_at", "revoked_at", "rotated_from"), _TEXT_OR_NULL),
}
_BATCH: dict[str, Any] = {
    "verb": {"enum": [str(one) for one in BatchVerb]},
    "filter": {"type": "object"},
    "total": _WHOLE,
    "total_capped": {"type": "boolean"},
}
_COST: dict[str, Any] = {"input_tokens": _WHOLE, "output_tokens": _WHOLE, "usd": _NUMBER}
#: Shapes that no record has.
_WRITTEN: dict[str, Any] = {
    "Key": _object(**_KEY),
    "NewKey": _object(**_KEY, secret=_TEXT),
    "BatchPreview": _object(**_BATCH, quest_ids={"type": "array", "items": _TEXT}),
    "Batch": _object(
        batch_id=_TEXT,
        namespace=_TEXT,
        name=_TEXT_OR_NULL,
        **_BATCH,
        **{"from": _TEXT_OR_NULL},
        set={"type": "object"},
        keep_state={"type": "boolean"},
        state={"enum": [str(one) for one in BatchState]},
        done=_WHOLE,
        **{str(one): _WHOLE for one in BatchOutcome},
        actor=_TEXT,
        door=_TEXT,
        reason=_TEXT_OR_NULL,
        idempotency_key=_TEXT_OR_NULL,
        created_at=_TEXT,
        started_at=_TEXT_OR_NULL,
        ended_at=_TEXT_OR_NULL,
    ),
    "Progress": _object(completed=_WHOLE, remaining=_WHOLE),
    "Situation": _object(cause={"enum": [str(one) for one in Cause]}, message=_TEXT, hint=_TEXT_OR_NULL),
    "Controlled": _object(
        quest_id=_TEXT,
        status={"enum": [str(one) for one in ExecutionStatus]},
        changed={"type": "boolean"},
        epoch=_WHOLE,
        version=_WHOLE,
        notice=_TEXT_OR_NULL,
    ),
    "Forked": _object(quest_id=_TEXT, created={"const": False}, forked_from=_TEXT, steps={"type": "array"}),
    "Statistics": _object(
        total_quests=_WHOLE,
        **{str(status): _WHOLE for status in ExecutionStatus},
        avg_duration_seconds=_NUMBER_OR_NULL,
        counters={"type": "object", "additionalProperties": _WHOLE},
        cost=_object(**_COST),
    ),
    "Throughput": _object(
        span={"enum": [str(one) for one in Span]},
        bucket_seconds=_WHOLE,
        completed=_WHOLE,
        failed=_WHOLE,
        failure_rate=_NUMBER_OR_NULL,
        p50_duration_seconds=_NUMBER_OR_NULL,
        p95_duration_seconds=_NUMBER_OR_NULL,
        capped={"type": "boolean"},
        buckets={"type": "array", "items": _object(since=_TEXT, completed=_WHOLE, failed=_WHOLE)},
    ),
    "Worker": _object(
        worker_id=_TEXT,
        namespace=_TEXT,
        state={"enum": [str(one) for one in WorkerState]},
        host=_TEXT,
        pid=_WHOLE,
        started_at=_TEXT,
        up_seconds=_NUMBER,
        heartbeat_at=_TEXT,
        heartbeat_age_seconds=_NUMBER,
        threads=_WHOLE,
        queues={"type": "array", "items": _TEXT},
        handlers={"type": "array", "items": _TEXT},
        holding=_WHOLE,
        claims={"type": "array", "items": {"type": "object"}},
    ),
    "StepCost": _object(**dict.fromkeys(("position", "lord_name", "model"), _TEXT), **_COST),
    "GroupCost": _object(name=_TEXT, **_COST),
    "Budget": _object(
        scope={"enum": [str(one) for one in BudgetScope]},
        name=_TEXT,
        max_usd={"type": ["number", "null"]},
        max_tokens={"type": ["integer", "null"]},
        spent_usd=_NUMBER,
        spent_tokens=_WHOLE,
        used_up={"type": "boolean"},
        created_at=_TEXT,
    ),
    "LogLine": _object(
        **dict.fromkeys(("position", "claim_id", "at"), _TEXT),
        **dict.fromkeys(("epoch", "attempt", "seq"), _WHOLE),
        kind={"enum": [str(one) for one in LineKind]},
        level=_TEXT_OR_NULL,
        message=_TEXT_OR_NULL,
        data={},
        cursor=_TEXT,
    ),
    "Namespace": _object(namespace=_TEXT),
    "Runs": _object(runs={"type": "array", "items": {"$ref": _ref("RunSummary")}}, limit=_WHOLE, offset=_WHOLE),
    "RunFound": _object(run={"$ref": _ref("Run")}),
    "RunMade": _object(run_id=_TEXT, plan_result={"type": "object"}, execution_result={"type": "object"}),
    "Outcome": _object(quest_id=_TEXT, status=_TEXT, output={}),
    "QuestProgress": _object(quest_id=_TEXT, status=_TEXT, progress={"$ref": _ref("Progress")}),
    "Problem": {
        **_object(
            type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT, code=_TEXT, hint=_TEXT_OR_NULL, request_id=_TEXT
        ),
        "description": "RFC 9457. `code` is the command line's; a conflict has the present state as `current`.",
    },
}
