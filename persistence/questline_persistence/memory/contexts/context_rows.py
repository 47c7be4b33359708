"""Contexts as rows: what is written of one, how one is read, and the queries for several."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, func, select

from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory.contexts.context_filter import ContextFilter
from questline_persistence.memory.models import WorkflowContext, context_text, origin_of
from questline_persistence.memory.reading import of_present, of_versions, present
from questline_persistence.payload import HIDDEN, HIDDEN_OBJECT, Limit
from questline_persistence.schema import tables_of, within
from questline_persistence.states import ContextStatus
from questline_persistence.writes import Key, Saves


def saving(context: WorkflowContext, key: Key, limit: Limit, *, expected: int | None, there: bool) -> Saves:
    """Return what is written to save a context.

    Parameters:
      context: the context.
      key: its key.
      limit: how large it may be.
      expected: the version that must be there; None: any.
      there: whether one must be there.

    Raises:
      PayloadError: it holds what is not JSON, or is too large.
    """
    columns = {name: getattr(context, name) for name in CONTEXTS.head} | {"status": str(context.status)}
    body = {"context_data": context_text(context, limit)}
    return Saves(CONTEXTS, key, columns=columns, body=body, expected=expected, there=there)


def context_of(row: Row[Any]) -> WorkflowContext:
    """Return the context of a row that has its text: of a head with its present version, or of an older version."""
    context = _hidden(row) if row.context_data == HIDDEN_OBJECT else WorkflowContext.from_json(row.context_data)
    context.workflow_id = row.workflow_id  # a fork's copy has another key than what it was copied from
    context.version, context.origin = row.version, origin_of(row)
    context.saved_at = row.created_at if hasattr(row, "head_created_at") else row.updated_at
    return context


def _hidden(row: Row[Any]) -> WorkflowContext:
    """Return what is told of a context that cannot be read here: what its head says in clear, if the row has that."""
    unknown: dict[str, Any] = {"epic_num": 0, "story_num": None, "status": ContextStatus.RUNNING}
    told: dict[str, Any] = {name: getattr(row, name, unknown.get(name, HIDDEN)) for name in CONTEXTS.told}
    return WorkflowContext(workflow_id=row.workflow_id, **told, decisions={HIDDEN: True})


def newest(chosen: ContextFilter, namespace: str, prefix: str, now: float) -> Select[Any]:
    """Return the query for the present contexts that a filter means, of a namespace and a prefix."""
    heads = tables_of(CONTEXTS).heads
    return of_present(CONTEXTS).where(*within(heads, namespace, prefix), *chosen.conditions(), *present(heads, now))


def all_versions(chosen: ContextFilter, namespace: str, prefix: str) -> Select[Any]:
    """Return the query for all versions of the contexts that a filter means, but for deletions.

    The contexts are a query of their own, so that their versions are looked up by key, and not the other way round.
    """
    heads, versions = tables_of(CONTEXTS)
    ids = select(heads.c.workflow_id).where(*within(heads, namespace, prefix), *chosen.conditions())
    own = versions.c.workflow_id.in_(ids)
    return of_versions(CONTEXTS).where(*within(versions, namespace, prefix), own, versions.c.body_version.is_not(None))


def version_count(chosen: ContextFilter, namespace: str, prefix: str) -> Select[Any]:
    """Return the query for how many these are."""
    return all_versions(chosen, namespace, prefix).with_only_columns(func.count())
