"""What Lords remember: agents and their states over time, events, to-do lists and lessons, with search."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard.json_tree import Node, tree_of
from questline_gateway.dashboard.pages.compare import shown_changes
from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import NotFound, PayloadError, QuestNotFound
from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES, TODO_LISTS, Entries, Versioned
from questline_persistence.memory.looking import newest, versions, with_words
from questline_persistence.memory.merging import ABSENT, StateChange
from questline_persistence.memory.sessions import memory_of, todo_list_of
from questline_persistence.memory.states import States, agent_state, event_of

#: Things on one page, and versions and transitions beside an agent's state.
PAGE, BESIDE = 50, 30
#: Most changes between two versions that are shown.
MAX_CHANGES = 100


class Kind(NamedTuple):
    """A kind of what Lords remember: what it is called, where it is kept, and how a row becomes its record."""

    word: str
    of: Versioned | Entries
    made: Callable[[Any], Any]


KINDS = {
    "agents": Kind("Agents", AGENT_STATES, agent_state),
    "events": Kind("Events", EVENTS, event_of),
    "todos": Kind("To-do lists", TODO_LISTS, todo_list_of),
    "lessons": Kind("Lessons", MEMORIES, memory_of),
}


def memory(visit: Visit) -> Response:
    """Return what was added last of a kind, or what has the words that are searched for."""
    name = visit.request.path_params.get("kind", "agents")
    kind = KINDS.get(name)
    if kind is None:
        raise QuestNotFound(f"Lords remember no {name:.40}", hint=f"they remember {', '.join(KINDS)}")
    kept, words = visit.here.kept(visit.asked("prefix") or None), visit.asked("words").strip()
    if words:
        found: Any = with_words(kept, kind.of, kind.made, words, limit=PAGE)
    else:
        found = newest(kept, kind.of, kind.made, limit=PAGE, cursor=visit.asked("cursor") or None)
    return visit.page(
        "memory.html",
        kinds=KINDS,
        kind=name,
        items=list(found),
        next_cursor=None if words else found.next_cursor,
        words=words,
        plans=[tree_of(visit.shown("plan", item.plan)) for item in found] if name == "todos" else [],
    )


def agent(visit: Visit) -> Response:
    """Return the page of an agent: what it knows at a version, and how it came to be so."""
    name: str = visit.request.path_params["agent_id"]
    kept = visit.here.kept(visit.asked("prefix") or None)
    states = States(kept)
    saved = versions(kept, AGENT_STATES, name, limit=BESIDE)
    if not saved:
        raise QuestNotFound(f"there is no agent {name:.100}", hint="the list of agents names them")
    version = _version(visit, saved[0].version)
    return visit.page(
        "agent.html",
        agent_id=name,
        version=version,
        saved=saved,
        state=states.load_agent_state(name, version=version),
        known=_known(visit, states, name, version),
        history=states.get_state_history(name, BESIDE),
        changes=shown_changes(visit, _changes(states, name, version)),
        absent=ABSENT,
    )


def _version(visit: Visit, newest_version: int) -> int:
    text = visit.asked("version", str(newest_version))
    if not (text.isascii() and text.isdecimal() and len(text) <= len("999999999")):
        raise PayloadError(f"{text!r:.40} is not the number of a version", hint="the list of versions names them")
    return int(text)


def _known(visit: Visit, states: States, name: str, version: int) -> Node | None:
    """Return what an agent knew at a version, as a tree: JSON as such, any other text as it stands."""
    state = states.load_agent_state(name, version=version)
    if state is None:
        return None
    try:
        return tree_of(visit.shown("state_data", json.loads(state.state_data)))
    except (ValueError, RecursionError):
        return tree_of(visit.shown("state_data", state.state_data))


def _changes(states: States, name: str, version: int) -> list[StateChange]:
    """Return what a version has changed; nothing where one of the two is a deletion, or the first."""
    with suppress(NotFound):
        return states.diff(name, version - 1, version)[:MAX_CHANGES] if version > 1 else []
    return []
