"""What the shell offers for a half-typed word: quick, and silent about every error."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from questline_persistence.states import ExecutionStatus

if TYPE_CHECKING:
    from questline_persistence.records import QuestRepository

#: Longest time that the store may take to say which quests there are, in seconds.
LOOKUP_SECONDS = 0.3
#: Newest quests that are looked at, and most ids offered at once.
MAX_LOOKED_AT, MAX_OFFERED = 200, 50


def complete_status(incomplete: str) -> list[str]:
    """Return the statuses that begin with what is typed."""
    return [status.value for status in ExecutionStatus if status.value.startswith(incomplete)]


def complete_quest_id(context: typer.Context, incomplete: str) -> list[str]:
    """Return the newest quests whose id begins with what is typed; nothing, if the store does not answer at once."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        if repository := _repository(context.params):

            def look() -> None:
                with contextlib.suppress(Exception):
                    found.extend(quest.quest_id for quest in repository.page(limit=MAX_LOOKED_AT).items)

            # A thread that hangs on a store that is down ends with the process.
            thread = threading.Thread(target=look, daemon=True)
            thread.start()
            thread.join(LOOKUP_SECONDS)
    offered = ["@last", *found] if found else []
    return [quest_id for quest_id in offered if quest_id.startswith(incomplete)][:MAX_OFFERED]


def _repository(options: Mapping[str, Any]) -> QuestRepository | None:
    """Return the records that the half-typed command would use; a store that is not there is not made."""
    from questline_persistence import settings  # noqa: PLC0415  (350 ms that only completion of ids needs)
    from questline_persistence.records import QuestRepository  # noqa: PLC0415
    from questline_persistence.store import open_database  # noqa: PLC0415

    chosen = settings.load(**{name: options.get(name) for name in ("profile", "database_url", "namespace")})
    database = open_database(chosen=chosen, patience=0.0)
    if database.missing:
        return None
    return QuestRepository(database, namespace=chosen.namespace)
