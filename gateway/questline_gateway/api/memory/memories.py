"""Lessons that were learnt in one session, for those to come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.memory.answering import ROOT, Name, Prefix, Text, Words, listed, matched, name_meant, there
from questline_gateway.api.pages import PAGE, Cursor, Limit
from questline_gateway.api.shapes import answers, finds, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.kinds import MEMORIES
from questline_persistence.memory.looking import entry, newest
from questline_persistence.memory.sessions import Lessons, memory_of

router = APIRouter(prefix=f"{ROOT}/memories", tags=["memory"], dependencies=[needs(Scope.READ, payloads=True)])


@router.get("", responses=lists("Memory", "A page of lessons."))
def list_memories(
    request: Request,
    here: Here,
    *,
    tool: Text = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List lessons, newest first."""
    found = newest(here.kept(prefix), MEMORIES, memory_of, limit=limit, cursor=cursor, tool_name=tool)
    return listed(request, found)


@router.get("/search", responses=finds("Memory"))
def search_memories(
    here: Here,
    q: Words,
    *,
    tool: Text = None,
    min_confidence: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only lessons at least as sure.")] = 0,
    limit: Limit = PAGE,
    prefix: Prefix = None,
) -> Answer:
    """Search the lessons for words; the best come first."""
    return matched(Lessons(here.kept(prefix)).recall(q, tool, min_confidence, limit=limit))


@router.get("/{memory_id:path}", responses=answers("Memory", "The lesson."))
def show_memory(here: Here, memory_id: Name, *, prefix: Prefix = None) -> Answer:
    """Show one lesson."""
    kept = here.kept(prefix)
    name = name_meant(kept, MEMORIES, "memories", memory_id)
    return there(entry(kept, MEMORIES, memory_of, name), name)
