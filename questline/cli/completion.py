"""What the shell offers for a half-typed word: quick, and silent about every error."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from questline_persistence.states import ExecutionStatus

if TYPE_CHECKING:
    from questline_persistence.store import Database

#: Longest time that the store may take to say which quests there are, in seconds.
LOOKUP_SECONDS = 0.3
#: Newest quests that are looked at, and most ids offered at once.
MAX_LOOKED_AT, MAX_OFFERED = 200, 50


def complete_status(incomplete: str) -> list[str]:
    """Return the statuses that begin with what is typed."""
    return [status.value for status in ExecutionStatus if status.value.startswith(incomplete)]


def complete_quest_id(context: typer.Context, incomplete: str) -> list[str]:
    """Return the newest quests whose id begins with what is typed; nothing, if the store does not answer at once."""
    return _offered(context, incomplete, _quests)


def complete_agent_id(context: typer.Context, incomplete: str) -> list[str]:
    """Return the newest agents whose id begins with what is typed; nothing, if the store does not answer at once."""
    return _offered(context, incomplete, _agents)


#: Returns the ids that may be meant, the newest first.
_Look = Callable[[], list[str]]


def _offered(context: typer.Context, incomplete: str, opened: Callable[[Mapping[str, Any]], _Look | None]) -> list[str]:
    """Return the ids that begin with what is typed, of those that the half-typed command would see."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        if ids := opened(context.params):

            def look() -> None:
                with contextlib.suppress(Exception):
                    found.extend(ids())

            # A thread that hangs on a store that is down ends with the process.
            thread = threading.Thread(target=look, daemon=True)
            thread.start()
            thread.join(LOOKUP_SECONDS)
    offered = ["@last", *found] if found else []
    return [each for each in offered if each.startswith(incomplete)][:MAX_OFFERED]


def _quests(options: Mapping[str, Any]) -> _Look | None:
    from questline_persistence.records import QuestRepository  # noqa: PLC0415  (350 ms that only completion needs)

    database, namespace = _store(options)
    if database.missing:
        return None
    repository = QuestRepository(database, namespace=namespace)
    return lambda: [quest.quest_id for quest in repository.page(limit=MAX_LOOKED_AT).items]


def _agents(options: Mapping[str, Any]) -> _Look | None:
    from questline_persistence.memory import Kept  # noqa: PLC0415  (as above)
    from questline_persistence.memory.states import States  # noqa: PLC0415

    database, namespace = _store(options)
    if database.missing:
        return None
    states = States(Kept(database, namespace, options.get("prefix") or ""))
    return lambda: [agent.agent_id for agent in states.list_agents(limit=MAX_LOOKED_AT)]


def _store(options: Mapping[str, Any]) -> tuple[Database, str]:
    """Return the store and the namespace that the half-typed command would use; no store is made."""
    from questline_persistence import settings  # noqa: PLC0415  (as above)
    from questline_persistence.store import open_database  # noqa: PLC0415

    chosen = settings.load(**{name: options.get(name) for name in ("profile", "database_url", "namespace")})
    return open_database(chosen=chosen, patience=0.0), chosen.namespace
