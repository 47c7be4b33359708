"""What a rule yields when a history breaks it."""

from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What a violation means to a user."""

    #: A quest, a step or a result is missing or wrong.
    LOST = "lost"
    #: A step was committed, or run, again after it had been committed.
    DOUBLED = "doubled"
    #: A quest did not end although nothing was in its way.
    STUCK = "stuck"
    #: A rule of the protocol was broken, or an answer was not true, without any of the above (yet).
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not have happened."""

    harm: Harm
    rule: str
    quest_id: str
    text: str

    def __str__(self) -> str:
        return f"{self.harm}: {self.rule}: {self.quest_id}: {self.text}"
