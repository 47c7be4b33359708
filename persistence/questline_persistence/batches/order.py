"""What a batch is to do: a verb, on which quests, and what else the verb needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from questline_persistence.arguments import mapping, text, text_or_none, wrong_type
from questline_persistence.errors import PayloadError, suggestion
from questline_persistence.payload import Limit, encode
from questline_persistence.records import QuestFilter
from questline_persistence.states import TERMINAL, TRANSITIONS, ExecutionStatus

#: Most quests that one batch reaches, the oldest of those that are meant.
MAX_QUESTS = 100_000
#: Longest name of a batch, and longest name of the place where a replay starts, in characters.
MAX_BATCH_NAME, MAX_START = 100, 1_000
#: How large corrections may be: they are kept once, and made in each quest.
_ARGUMENTS = Limit(1_000_000)


class BatchVerb(StrEnum):
    """What a batch can do to each of its quests.

    Values:
      pause: as `QuestClient.pause` does.
      resume: as `QuestClient.resume` does.
      cancel: as `QuestClient.cancel` does.
      retry: as `QuestClient.retry` does.
      replay: as `QuestClient.replay` does, each from the same place and with the same corrections.
      delete: as `QuestClient.delete` does.
    """

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    REPLAY = "replay"
    DELETE = "delete"

    @property
    def usual(self) -> frozenset[ExecutionStatus]:
        """The statuses that are meant where a filter names none: those in which the verb can be done."""
        return TERMINAL if self is BatchVerb.DELETE else TRANSITIONS[self].sources


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A verb, and the quests that it is to be done to.

    Parameters:
      verb: the verb.
      chosen: the quests; where no status is given, those in which the verb can be done.
      name: what to call it, or None.
      from_: of a replay: where it starts; None: at the beginning.
      set: of a replay: corrections, each a path with its new value.
      keep_state: of a replay: leave what quests share of what Lords remember as it is.

    Raises:
      PayloadError: the filter is empty, or what only a replay has was given for another verb.
    """

    verb: BatchVerb
    chosen: QuestFilter
    name: str | None = None
    from_: str | None = None
    set: Mapping[str, Any] = field(default_factory=dict[str, Any])
    keep_state: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.chosen, QuestFilter):
            raise wrong_type(self.chosen, "chosen", "a QuestFilter", 'such as QuestFilter("failed")')
        if not self.chosen.to_json():
            raise PayloadError(
                "a batch says by something which quests it means", hint="give a status, a type, a label, a time …"
            )
        _refuse_long(self.name, "a batch's name", MAX_BATCH_NAME)
        _refuse_long(self.from_, "from_", MAX_START)
        changes = mapping(self.set, "set", 'map paths to values, as in {"input_data.service": "orders"}')
        object.__setattr__(self, "set", changes)
        if self.verb is not BatchVerb.REPLAY and (self.from_ is not None or changes or self.keep_state):
            raise PayloadError(f"{self.verb} has no place to start from and nothing to correct: a replay has")
        if not self.chosen.status:
            usual = QuestFilter(sorted(self.verb.usual), **self.chosen.to_json())
            object.__setattr__(self, "chosen", usual)

    def same_as(self, other: BatchOrder) -> bool:
        """Return whether another order asks for the same, but for its times: an age is another time at each call.

        Parameters:
          other: the other order.
        """
        mine, others = ({**one.chosen.to_json(), "since": None, "until": None} for one in (self, other))
        return (self.verb, self.arguments(), mine) == (other.verb, other.arguments(), others)

    def arguments(self) -> str:
        """Return what the verb needs beside a quest, as JSON text.

        Raises:
          PayloadError: the corrections are no JSON, or larger than 1 MB.
        """
        found = {"from_": self.from_, "set": dict(self.set), "keep_state": bool(self.keep_state)}
        return encode({name: value for name, value in found.items() if value}, what="set", limit=_ARGUMENTS)


def verb_of(given: BatchVerb | str) -> BatchVerb:
    """Return the verb that a word means.

    Parameters:
      given: the word.

    Raises:
      PayloadError: there is no such verb.
    """
    try:
        return BatchVerb(text(given, "a verb"))
    except ValueError:
        near = suggestion(given, BatchVerb, kind="verbs of a batch")
        raise PayloadError(f"{given!r:.100} is no verb of a batch", hint=near) from None


def _refuse_long(value: str | None, what: str, most: int) -> None:
    found = text_or_none(value, what)
    if found is not None and not (0 < len(found) <= most and found.isprintable()):
        raise PayloadError(f"{what} is 1 to {most:,} printable characters", hint="give a short one, or none")
