"""Which quests are meant: the filter of lists, and of verbs on many quests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Never, TypeAlias

from sqlalchemy import ColumnElement, FromClause

from questline_persistence.arguments import Moment, mapping, moment, sought, wrong_type
from questline_persistence.clock import rfc3339
from questline_persistence.dialects import Dialect
from questline_persistence.errors import EncryptionError, PayloadError, suggestion
from questline_persistence.models import refuse_labels
from questline_persistence.payload import Codec
from questline_persistence.schema import quests
from questline_persistence.states import ExecutionStatus

#: One status or several, as words or members of the enumeration.
Statuses: TypeAlias = ExecutionStatus | str | Sequence[ExecutionStatus | str]


@dataclass(frozen=True, slots=True, init=False)
class QuestFilter:
    """Quests of any of these statuses, of a type, with all of these labels, created in a span of time, and so on.

    Parameters:
      status: one status or several, any of which is meant; none means every status.
      quest_type: the type, or None.
      labels: every one of these must be on the quest.
      since: created at or after this time: epoch seconds, a datetime, or ISO 8601 text. A time without a zone is this
        machine's.
      until: created before this time, given like `since`.
      queue: the queue, or None.
      error: a text that the quest's error holds, letter for letter, or None.

    Raises:
      PayloadError: there is no such status or filter, what is asked for are no labels, or more than a quest can have;
        or a time is none, or out of range.

    Example:
      failed = QuestFilter("failed", labels={"customer": "17"}, since=datetime.now(UTC) - timedelta(hours=1))
    """

    status: tuple[ExecutionStatus, ...]
    quest_type: str | None
    labels: Mapping[str, str]
    since: float | None
    until: float | None
    queue: str | None
    error: str | None

    def __init__(
        self,
        status: Statuses | None = None,
        quest_type: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        queue: str | None = None,
        error: str | None = None,
        **unknown: Never,
    ) -> None:
        for name in unknown:
            raise PayloadError(f"{name!r} is not a filter", hint=suggestion(name, type(self).__slots__, kind="filters"))
        found = {} if labels is None else mapping(labels, "labels", 'give an object such as {"customer": "17"}')
        refuse_labels(found)
        keep = partial(object.__setattr__, self)
        keep("status", statuses_of(status))
        keep("quest_type", sought(quest_type, "quest_type"))
        keep("labels", found)
        keep("since", None if since is None else moment(since, "since"))
        keep("until", None if until is None else moment(until, "until"))
        keep("queue", sought(queue, "queue"))
        keep("error", sought(error, "error"))

    def to_json(self) -> dict[str, Any]:
        """Return what was given as plain JSON data; `QuestFilter(**data)` is the same filter again."""
        told = {
            "status": [str(status) for status in self.status],
            "quest_type": self.quest_type,
            "labels": dict(self.labels),
            "since": None if self.since is None else rfc3339(self.since),
            "until": None if self.until is None else rfc3339(self.until),
            "queue": self.queue,
            "error": self.error,
        }
        return {name: value for name, value in told.items() if value not in (None, [], {})}

    def refuse_sealed(self, codec: Codec) -> None:
        """Raise EncryptionError where quests are to be chosen by their errors, and a codec encrypts these.

        Parameters:
          codec: what the payloads of the store pass.
        """
        if self.error is not None and codec.seals:
            message = "the errors of quests are encrypted here, so no quest can be chosen by what its error holds"
            raise EncryptionError(message, hint="choose quests by status, type, label or time")

    @property
    def unindexed(self) -> list[str]:
        """The columns that it asks for, and that no index is ordered by."""
        return [name for name in ("quest_type", "queue", "error", "labels") if getattr(self, name) not in (None, {})]

    def conditions(self, dialect: Dialect) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on `quest_executions`; every value is a bound parameter.

        Parameters:
          dialect: the database that will be asked.
        """
        words = [str(status) for status in self.status]
        status = [quests.c.status.in_(words)] if words else []
        return [*status, *self.span(quests), *self.unindexed_conditions(dialect, quests)]

    def span(self, of: FromClause) -> list[ColumnElement[bool]]:
        """Return the conditions on when a quest was made.

        Parameters:
          of: the quests, or a query for some of them.
        """
        found = []
        if self.since is not None:
            found.append(of.c.created_at >= rfc3339(self.since))
        if self.until is not None:
            found.append(of.c.created_at < rfc3339(self.until))
        return found

    def unindexed_conditions(self, dialect: Dialect, of: FromClause) -> list[ColumnElement[bool]]:
        """Return the conditions on the columns that no index is ordered by.

        Parameters:
          dialect: the database that will be asked.
          of: the quests, or a query for some of them that has these columns.
        """
        found: list[ColumnElement[bool]] = []
        if self.quest_type is not None:
            found.append(of.c.quest_type == self.quest_type)
        if self.queue is not None:
            found.append(of.c.queue == self.queue)
        if self.error is not None:
            found.append(dialect.holds(of.c.error, self.error))
        return found + [dialect.has_label(of.c.labels, key, value) for key, value in self.labels.items()]


def statuses_of(given: Statuses | None) -> tuple[ExecutionStatus, ...]:
    """Return the statuses that one word or several mean; none where nothing is given.

    Parameters:
      given: what a caller gave.

    Raises:
      PayloadError: one of them is no status.
    """
    if given is not None and not isinstance(given, str | Collection):
        raise wrong_type(given, "status", "one word or several", _STATUS_HINT)
    words = () if given is None else (given,) if isinstance(given, str) else given
    return tuple(_status(word) for word in words)


def labels_of(pairs: Iterable[str]) -> dict[str, str]:
    """Return the labels that words such as `team=billing` mean.

    Parameters:
      pairs: the words.

    Raises:
      PayloadError: one of them has no `=`, or no key.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise PayloadError(f"the label {pair!r:.100} is not KEY=VALUE", hint="write it as in team=billing")
        found[key] = value
    return found


def _status(word: str) -> ExecutionStatus:
    try:
        return ExecutionStatus(word)
    except ValueError:
        near = suggestion(word, ExecutionStatus, kind="statuses")
        raise PayloadError(f"{word!r:.100} is not a status", hint=near) from None


_STATUS_HINT = 'give a status such as "failed", or a list of them'
