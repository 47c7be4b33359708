"""The filter of the quest list: read from the address, shown as chips, written as a command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from questline_gateway.dashboard.visit import Visit
from questline_persistence import shown_times
from questline_persistence.records import QuestFilter, labels_of

#: How far back the list looks unless it is told otherwise.
DEFAULT_SINCE = "24h"
#: What stands for "from the beginning".
ALWAYS = "any"
#: The words that a search may begin with, each the name of a part of the address.
WORDS = ("status", "type", "queue", "label", "error", "since", "until")
_PARTS = (*WORDS, "cursor", "newer")


class Chip(NamedTuple):
    """A part of a filter as people see it: its name, its value, and the address of the list without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which quests a list shows.

    Parameters:
      status: the statuses, any of which is meant.
      type: the type, or "".
      queue: the queue, or "".
      labels: each as "key=value".
      error: a text that the error holds, or "".
      since: how far back, such as "24h" or a time; "any" means from the beginning.
      until: a time, or "".
      sort: the order, as `questline list --sort` names it, or "" for newest first.
    """

    status: tuple[str, ...]
    type: str
    queue: str
    labels: tuple[str, ...]
    error: str
    since: str
    until: str
    sort: str

    @classmethod
    def of(cls, values: Mapping[str, list[str]]) -> ListFilter:
        """Return what the parts of an address or a form mean."""

        def one(name: str) -> str:
            return next((value for value in values.get(name, []) if value), "")

        several = {name: tuple(dict.fromkeys(filter(None, values.get(name, [])))) for name in ("status", "label")}
        rest = (one(name) for name in ("error", "since", "until", "sort"))
        return cls(several["status"], one("type"), one("queue"), several["label"], *rest)

    @property
    def named(self) -> bool:
        """Whether anything but the time is asked for."""
        return bool(self.status or self.type or self.queue or self.labels or self.error or self.until)

    def query(self) -> dict[str, str | list[str]]:
        """Return the filter as the parts of an address."""
        return {
            "status": list(self.status),
            "type": self.type,
            "queue": self.queue,
            "label": list(self.labels),
            "error": self.error,
            "since": self.since,
            "until": self.until,
            "sort": self.sort,
        }

    def quests(self, now: float) -> QuestFilter:
        """Return the filter as the records take it.

        Raises:
          PayloadError: there is no such status, or a label or a time is none.
        """
        return QuestFilter(
            self.status or None,
            self.type or None,
            labels=labels_of(self.labels),
            since=_moment(self.since or DEFAULT_SINCE, now),
            until=_moment(self.until, now) if self.until else None,
            queue=self.queue or None,
            error=self.error or None,
        )

    def chips(self, visit: Visit) -> Iterator[Chip]:
        """Yield the parts of the filter, each with the address of the list without it."""
        query = self.query()
        for name, value in query.items():
            if name in {"since", "sort"}:
                continue
            for each in [value] if isinstance(value, str) else value:
                if each:
                    rest = "" if isinstance(value, str) else [other for other in value if other != each]
                    yield Chip(name, each, visit.url("quests", **(query | {name: rest})))

    def command(self, *words: str) -> str:
        """Return the command that lists the same quests, or does something to them.

        Parameters:
          words: the command; without any, the one that lists them.
        """
        parts = ["questline", *(words or ("list",))]
        told = self.query() if not words else self.query() | {"sort": ""}
        for name, value in told.items():
            values = [value] if isinstance(value, str) else value
            parts += [part for each in values if each and each != ALWAYS for part in (f"--{name}", each)]
        if not self.since:
            parts += ["--since", DEFAULT_SINCE]
        return shlex.join(parts)


def typed_words(text: str) -> dict[str, list[str]]:
    """Return what somebody typed into the search as parts of a filter: `label:team=payments`, or words of an error."""
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and value and name in WORDS:
            found.setdefault(name, []).append(value)
        else:
            rest.append(word)
    if rest:
        found.setdefault("error", [" ".join(rest)])
    return found


def _moment(text: str, now: float) -> float | None:
    """Return the time that a length such as `24h`, a time, or "any" means."""
    if text == ALWAYS:
        return None
    return shown_times.read_moment(text, now)
