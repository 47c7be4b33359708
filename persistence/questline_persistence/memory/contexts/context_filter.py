"""Which contexts are meant: conditions on what they are found by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement

from questline_persistence.arguments import LARGEST_NUMBER, key, mapping, moment, whole
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError, suggestion
from questline_persistence.kinds import CONTEXTS
from questline_persistence.schema import tables_of
from questline_persistence.states import ContextStatus

#: Shorter names of filters.
_SHORT = {"epic": "epic_num", "story": "story_num"}
_HINT = 'give an object such as {"epic_num": 12, "status": "running"}'


def _number(value: object, what: str) -> int:
    return whole(value, what, least=-LARGEST_NUMBER, most=LARGEST_NUMBER)


def _number_or_none(value: object, what: str) -> int | None:
    return None if value is None else _number(value, what)


def _statuses(value: object, _: str) -> tuple[str, ...]:
    words = value if isinstance(value, Collection) and not isinstance(value, str) else (value,)
    return tuple(sorted({status_of(word) for word in words}))


#: What each filter is checked and kept as.
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "workflow_id": key,
    "epic_num": _number,
    "story_num": _number_or_none,
    **dict.fromkeys(("feature", "workflow_name", "current_phase"), partial(key, least=0)),
    "status": _statuses,
    **dict.fromkeys(("since", "until"), moment),
}


def status_of(value: object) -> str:
    """Return the status of a workflow that a word means.

    Raises:
      PayloadError: there is no such status.
    """
    if value not in tuple(ContextStatus):
        hint = suggestion(value, ContextStatus, kind="statuses")
        raise PayloadError(f"{value!r:.100} is not a status of a workflow", hint=hint)
    return str(value)


@dataclass(frozen=True, slots=True)
class ContextFilter:
    """Contexts for which all of these hold; in an order of their own, so that the same filter has the same text.

    Parameters:
      wanted: what is wanted, by the filter's name.
    """

    wanted: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, filters: Mapping[str, Any] | None) -> ContextFilter:
        """Return the filter that a caller's words mean.

        Parameters:
          filters: what is wanted, by name; none means all contexts.

        Raises:
          PayloadError: there is no such filter, or it cannot have that value, or it is given twice.
        """
        found: dict[str, Any] = {}
        for given, value in ({} if filters is None else mapping(filters, "filters", _HINT)).items():
            name = _SHORT.get(given, given)
            if name not in _CHECKS:
                hint = suggestion(given, (*_CHECKS, *_SHORT), kind="filters")
                raise PayloadError(f"{given!r:.100} is not a filter of contexts", hint=hint)
            if name in found:
                raise PayloadError(f"give {name} once")
            found[name] = _CHECKS[name](value, given)
        return cls(tuple(sorted(found.items())))

    @classmethod
    def of_story(
        cls, epic_num: int | None, story_num: int | None, epic: int | None, story: int | None, **more: Any
    ) -> ContextFilter:
        """Return the filter of one story of an epic, or of what is about an epic as a whole.

        Parameters:
          epic_num: the epic.
          story_num: the story; None for the epic as a whole.
          epic: another name of `epic_num`.
          story: another name of `story_num`.
          more: further filters.

        Raises:
          PayloadError: no epic is given, or a number by both names, or what is given is no number.
        """
        named = _given(story_num=story_num, story=story) or {"story_num": None}
        return cls.of_epic(epic_num, epic, **named, **more)

    @classmethod
    def of_epic(cls, epic_num: int | None, epic: int | None, **more: Any) -> ContextFilter:
        """Return the filter of an epic and its stories.

        Parameters:
          epic_num: the epic.
          epic: another name of `epic_num`.
          more: further filters.

        Raises:
          PayloadError: no epic is given, or by both names, or what is given is no number.
        """
        named = _given(epic_num=epic_num, epic=epic)
        if not named:
            raise PayloadError("say of which epic", hint="as in epic=12")
        return cls.of(named | more)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on heads; every value is a bound parameter, and compared as it is."""
        return [_condition(name, value) for name, value in self.wanted]

    def means(self, row: Any) -> bool:
        """Tell whether a context is meant that is not committed yet.

        Parameters:
          row: the row that it will be; it is saved first now, unless its `created_at` tells otherwise.
        """
        return all(_holds(name, value, row) for name, value in self.wanted)


def _given(**named: int | None) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value is not None}


def _holds(name: str, value: Any, row: Any) -> bool:
    """Tell whether what is wanted is true of a row: the same as `_condition` says of those that are stored."""
    if name == "since":
        return row.created_at is None or row.created_at >= rfc3339(value)
    if name == "until":
        return row.created_at is not None and row.created_at < rfc3339(value)
    found = getattr(row, name)
    return found in value if isinstance(value, tuple) else found == value


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    heads = tables_of(CONTEXTS).heads
    if name == "since":
        return heads.c.created_at >= rfc3339(value)
    if name == "until":
        return heads.c.created_at < rfc3339(value)
    if isinstance(value, tuple):
        return heads.c[name] == value[0] if len(value) == 1 else heads.c[name].in_(value)
    return heads.c[name].is_(None) if value is None else heads.c[name] == value
