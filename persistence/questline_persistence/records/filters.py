"""Which quests are meant: the filters of lists and of verbs on many quests, and how pages follow one another."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from sqlalchemy import ColumnElement, func, literal, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from questline_persistence.clock import LATEST, rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.models import refuse_labels
from questline_persistence.schema import quests
from questline_persistence.states import ExecutionStatus

_TIME_HINT = "give epoch seconds, as time.time() returns them"


@dataclass(frozen=True, slots=True)
class QuestFilter:
    """Quests of any of these statuses, of a type, with all of these labels, created in a span of time, and so on.

    Parameters:
      status: any of these; empty means every status.
      quest_type: the type, or None.
      labels: every one of these must be on the quest.
      since: created at or after this time, in epoch seconds.
      until: created before this time, in epoch seconds.
      queue: the queue, or None.
      error: a text that the quest's error holds, letter for letter, or None.

    Raises:
      PayloadError: what is asked for are no labels, or more than a quest can have; or a time is out of range.

    Example:
      failed = QuestFilter(status=(ExecutionStatus.FAILED,), labels={"customer": "17"}, since=time.time() - 3600)
    """

    status: tuple[ExecutionStatus, ...] = ()
    quest_type: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    since: float | None = None
    until: float | None = None
    queue: str | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        refuse_labels(self.labels)
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and not 0 <= moment <= LATEST:
                raise PayloadError(f"{name} is {moment}, which is no time from 1970 to 9999", hint=_TIME_HINT)

    def conditions(self, dialect: str) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on `quest_executions`; every value is a bound parameter."""
        found: list[ColumnElement[bool]] = []
        if self.status:
            found.append(quests.c.status.in_([str(status) for status in self.status]))
        if self.quest_type is not None:
            found.append(quests.c.quest_type == self.quest_type)
        if self.since is not None:
            found.append(quests.c.created_at >= rfc3339(self.since))
        if self.until is not None:
            found.append(quests.c.created_at < rfc3339(self.until))
        if self.queue is not None:
            found.append(quests.c.queue == self.queue)
        if self.error is not None:
            holds = func.instr if dialect == "sqlite" else func.strpos
            found.append(holds(quests.c.error, self.error) > 0)
        return found + [_has_label(key, value, dialect) for key, value in self.labels.items()]


#: The names of the filters beside the status.
FILTERS = tuple(each.name for each in fields(QuestFilter) if each.name != "status")


def _has_label(key: str, value: str, dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return func.json_extract(quests.c.labels, f'$."{key}"') == value
    return type_coerce(quests.c.labels, JSONB).contains({key: value})


def write_cursor(created_at: str, quest_id: str) -> str:
    """Return the cursor that stands behind a quest in a list, newest first."""
    return base64.urlsafe_b64encode(f"{created_at} {quest_id}".encode()).decode().rstrip("=")


def after(cursor: str) -> ColumnElement[bool]:
    """Return the condition that a quest comes after `cursor`.

    Raises:
      PayloadError: it is no cursor of ours.
    """
    try:
        created_at, quest_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ", 1)
    except (ValueError, binascii.Error):
        raise PayloadError(f"{cursor!r} is not a cursor", hint="use the next_cursor of the page before") from None
    return tuple_(quests.c.created_at, quests.c.quest_id) < tuple_(literal(created_at), literal(quest_id))
