"""The filter that the options of a command mean, and the options that mean a filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from questline.cli import options
from questline.cli.invocation import Invocation
from questline.cli.times import read_moment
from questline.cli.values import read_pairs
from questline_persistence.clock import rfc3339

if TYPE_CHECKING:
    from questline_persistence.records import QuestFilter

#: The option of each field, in the order in which a command is told again.
_OPTIONS = {
    "statuses": "--status",
    "quest_type": "--type",
    "queue": "--queue",
    "labels": "--label",
    "since": "--since",
    "until": "--until",
    "error": "--error",
}


@dataclass(frozen=True, slots=True)
class FilterWords:
    """What a command line says about which quests it means; a command that takes this has one option per field."""

    statuses: options.Statuses = None
    quest_type: options.QuestType = None
    queue: options.Queue = None
    labels: options.Labels = None
    since: options.Since = None
    until: options.Until = None
    error: options.Error = None

    @property
    def given(self) -> bool:
        """Whether any of the options was given."""
        return any(getattr(self, field.name) for field in fields(self))

    def read(self, invocation: Invocation, usual: Iterable[str] = ()) -> QuestFilter:
        """Return the filter that these words mean.

        Parameters:
          usual: the statuses that are meant where none is given; nothing means every status.

        Raises:
          UsageMistake: a time or a label cannot be read.
          PayloadError: a status is unknown, or a label's key holds characters that no key may hold.
        """
        from questline_persistence.records import QuestFilter  # noqa: PLC0415  (200 ms that --help does not need)

        return QuestFilter(
            list(self.statuses or sorted(usual)) or None,
            quest_type=self.quest_type,
            queue=self.queue,
            labels=read_pairs(self.labels or (), "--label"),
            since=None if self.since is None else read_moment(self.since, invocation.now()),
            until=None if self.until is None else read_moment(self.until, invocation.now()),
            error=self.error,
        )


def words_of(chosen: QuestFilter) -> list[str]:
    """Return the words of a command line that mean a filter; an age has become a time, which does not pass."""
    moments = {
        name: None if moment is None else rfc3339(moment)
        for name, moment in (("since", chosen.since), ("until", chosen.until))
    }
    values = {
        "statuses": [str(status) for status in chosen.status],
        "quest_type": chosen.quest_type,
        "queue": chosen.queue,
        "labels": [f"{key}={value}" for key, value in chosen.labels.items()],
        "error": chosen.error,
    } | moments
    return [word for name, option in _OPTIONS.items() for value in _several(values[name]) for word in (option, value)]


def _several(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
