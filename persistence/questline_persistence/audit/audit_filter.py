"""Which entries of the audit are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement

from questline_persistence.arguments import Moment, moment, sought, text
from questline_persistence.audit.entry import AuditVerb
from questline_persistence.clock import rfc3339, told
from questline_persistence.errors import PayloadError, suggestion
from questline_persistence.schema import audit


@dataclass(frozen=True, slots=True, init=False)
class AuditFilter:
    """Entries about a quest, by an actor, of any of these verbs, in a span of time.

    Parameters:
      quest_id: the quest, or None.
      actor: the actor's whole name, or None.
      verb: one verb or several, any of which is meant; none means every verb.
      since: at or after this time: epoch seconds, a datetime, or ISO 8601 text.
      until: before this time, given like `since`.

    Raises:
      PayloadError: there is no such verb, or a time is none.
    """

    quest_id: str | None
    actor: str | None
    verb: tuple[AuditVerb, ...]
    since: float | None
    until: float | None

    def __init__(
        self,
        *,
        quest_id: str | None = None,
        actor: str | None = None,
        verb: str | Sequence[str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> None:
        keep = partial(object.__setattr__, self)
        keep("quest_id", sought(quest_id, "quest_id"))
        keep("actor", sought(actor, "actor"))
        given = () if verb is None else (verb,) if isinstance(verb, str) else verb
        keep("verb", tuple(_verb(one) for one in given))
        keep("since", None if since is None else told(moment(since, "since")))
        keep("until", None if until is None else told(moment(until, "until")))

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on the audit; every value is a bound parameter."""
        equal: dict[str, Any] = {"quest_id": self.quest_id, "actor": self.actor}
        found = [audit.c[name] == value for name, value in equal.items() if value is not None]
        if self.verb:
            found.append(audit.c.verb.in_(self.verb))
        if self.since is not None:
            found.append(audit.c.at >= rfc3339(self.since))
        if self.until is not None:
            found.append(audit.c.at < rfc3339(self.until))
        return found


def _verb(given: str) -> AuditVerb:
    try:
        return AuditVerb(text(given, "a verb"))
    except ValueError:
        near = suggestion(given, AuditVerb, kind="verbs")
        raise PayloadError(f"{given!r:.100} is not a verb that the audit knows", hint=near) from None
