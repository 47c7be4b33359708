"""How long ended quests are kept: rules such as `completed=30d` and `nightly:failed=7d`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from questline_persistence.errors import PayloadError, suggestion
from questline_persistence.ids import NAME_HINT, is_name
from questline_persistence.shown_times import read_length
from questline_persistence.states import TERMINAL, ExecutionStatus

#: The shortest and the longest time that a quest can be kept by a rule, in seconds: whoever waits for it is to see how
#: it ended, and beyond fifty years no rule is meant.
LEAST_KEPT, MOST_KEPT = 60.0, 50 * 365 * 86_400.0
_HINT = "write STATUS=AGE or TYPE:STATUS=AGE, such as completed=30d or nightly:failed=7d"


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long quests are kept that have ended in one way.

    Parameters:
      status: how they ended.
      seconds: how long they are kept after that.
      quest_type: their type; None means all types but those that have a rule of their own for this status.
      but: these types.
    """

    status: ExecutionStatus
    seconds: float
    quest_type: str | None = None
    but: tuple[str, ...] = ()


def read_rules(words: Iterable[str]) -> tuple[RetentionRule, ...]:
    """Return the rules that words mean.

    Raises:
      PayloadError: a word is no rule, or two are about the same quests.
    """
    found: dict[tuple[str | None, ExecutionStatus], float] = {}
    for word in words:
        which, equals, age = word.partition("=")
        quest_type, colon, status = which.rpartition(":")
        if not equals or (colon and not is_name(quest_type)):
            raise PayloadError(f"{word!r:.100} is no rule of retention", hint=f"{_HINT}; in a type, {NAME_HINT}")
        key = (quest_type or None, _status(status))
        if key in found:
            raise PayloadError(f"there are two rules for {which}", hint="leave one out")
        found[key] = _seconds(age)
    return tuple(
        RetentionRule(status, seconds, quest_type, () if quest_type else _types(found, status))
        for (quest_type, status), seconds in found.items()
    )


def _types(rules: Iterable[tuple[str | None, ExecutionStatus]], status: ExecutionStatus) -> tuple[str, ...]:
    return tuple(quest_type for quest_type, of in rules if quest_type is not None and of is status)


def _status(word: str) -> ExecutionStatus:
    allowed = sorted(status.value for status in TERMINAL)
    if word not in allowed:
        raise PayloadError(f"{word!r:.100} is not how a quest ends", hint=suggestion(word, allowed, kind="statuses"))
    return ExecutionStatus(word)


def _seconds(age: str) -> float:
    seconds = read_length(age)
    if not LEAST_KEPT <= seconds <= MOST_KEPT:
        raise PayloadError(f"quests are kept for 60 s at least, and 50 years at most, not {age:.100}", hint=_HINT)
    return seconds
