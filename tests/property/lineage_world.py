"""What two quests, their forks and others make of keys and streams, computed anew from the results that count.

It is written as docs/explanation/concepts.md tells it, on lists; the store does it in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

#: The steps of a quest.
STEPS = 3
#: The keys that quests share, and the name of the one that each has of its own.
SHARED, OWN = ("s", "t"), "own"

#: Whose saves a key was made from; None where nothing is there.
Value: TypeAlias = tuple[str, ...] | None
Counted: TypeAlias = Mapping[int, int]


class Snapshot(NamedTuple):
    """A version of a quest: the step that comes next, and the version where its epoch began."""

    epoch: int
    position: int
    parent: int | None = None


class Row(NamedTuple):
    """A version of a key, or an entry; one without a quest was written outside of steps."""

    value: Value
    quest: str | None = None
    epoch: int = 0
    version: int = 0
    abandoned: bool = False


class Result(NamedTuple):
    """What a step came to: its tag, and whether it has written its quest's own key."""

    epoch: int
    version: int
    tag: str
    own: bool


@dataclass
class History:
    """What a quest has done, and with what of its own it began."""

    snapshots: list[Snapshot]
    began_with: Value = None
    results: list[Result] = field(default_factory=list)

    def counted(self, version: int) -> Counted:
        """Return, for each epoch that led to a version, the newest version of it that counts."""
        found: dict[int, int] = {}
        limit: int | None = version
        while limit is not None:
            epoch, _, parent = self.snapshots[limit]
            found[epoch] = limit
            limit = parent
        return found

    def folded(self, version: int) -> Value:
        """Return what the own key is at a version: what the results have made of it that count there."""
        counted = self.counted(version)
        counting = [one for one in self.results if one.own and one.version <= counted.get(one.epoch, -1)]
        tags = tuple(one.tag for one in sorted(counting, key=lambda one: one.version))
        return (*(self.began_with or ()), *tags) or None


@dataclass
class LineageWorld:
    """All quests, keys and streams."""

    quests: dict[str, History] = field(default_factory=dict)
    keys: dict[str, list[Row]] = field(default_factory=dict)
    streams: dict[str, dict[str, Row]] = field(default_factory=dict)

    def submit(self, quest: str) -> None:
        self.quests[quest] = History([Snapshot(0, 1)])

    def key_of(self, quest: str, name: str) -> str:
        """Return where a quest writes what it calls so: its own copy goes before what is shared."""
        own = f"{quest}/{name}"
        return own if name == OWN or own in self.keys else name

    def present(self, key: str) -> Value:
        rows = self.keys.get(key)
        return rows[-1].value if rows else None

    def shown(self, stream: str) -> list[str]:
        return [name for name, row in self.streams.get(stream, {}).items() if not row.abandoned]

    def save(self, key: str, value: Value, origin: tuple[str, int, int] | None = None) -> None:
        quest, epoch, version = origin or (None, 0, 0)
        self.keys.setdefault(key, []).append(Row(value, quest, epoch, version))

    def enter(self, stream: str, name: str, origin: tuple[str, int, int]) -> None:
        quest, epoch, version = origin
        self.streams.setdefault(stream, {})[name] = Row(None, quest, epoch, version)

    def stepped(self, quest: str, tag: str, *, own: bool) -> tuple[str, int, int]:
        """Commit the next step of a quest; return the origin of what it writes."""
        history = self.quests[quest]
        newest, version = history.snapshots[-1], len(history.snapshots)
        history.snapshots.append(newest._replace(position=newest.position + 1))
        history.results.append(Result(newest.epoch, version, tag, own))
        return quest, newest.epoch, version

    def replayed(self, quest: str, version: int) -> set[tuple[str, str]]:
        """Take a quest back to a version; return what becomes of which keys."""
        history = self.quests[quest]
        counted, now = history.counted(version), len(history.snapshots)
        began = Snapshot(history.snapshots[-1].epoch + 1, history.snapshots[version].position, version)
        told = set()
        for key, rows in self.keys.items():
            newly = any(_drops(row, quest, counted) and not row.abandoned for row in rows)
            rows[:] = [_marked(row, quest, counted) for row in rows]
            back = next((row.value for row in reversed(rows) if not row.abandoned), None)
            if rows[-1].quest != quest or not rows[-1].abandoned:
                told |= {(key, "kept")} if newly and rows[-1].quest != quest else set()
            elif (rows[-1].value, back) != (None, None):
                told.add((key, "rewound"))
                rows.append(Row(back, quest, began.epoch, now))
        for stream in self.streams.values():
            stream |= {name: _marked(row, quest, counted) for name, row in stream.items()}
        history.snapshots.append(began)
        return told

    def forked(self, quest: str, version: int, new: str) -> set[tuple[str, str]]:
        """Begin a quest where another was at a version; return what becomes of which keys."""
        history = self.quests[quest]
        counted = history.counted(version)
        self.quests[new] = History([Snapshot(0, history.snapshots[version].position)], history.folded(version))
        told, copies = set(), {}
        for key, rows in self.keys.items():
            found = _inherited(rows, quest, counted)
            copy = f"{new}/{key.removeprefix(f'{quest}/')}"
            if key.startswith(f"{quest}/"):
                if found:
                    copies[copy] = found[-1].value
            elif any(_drops(row, quest, counted) for row in _behind(rows, quest, counted)):
                inherited = found[-1].value if found else None
                if f"{quest}/{key}" not in self.keys and inherited != rows[-1].value:
                    copies[copy] = inherited
                    told.add((key, "copied"))
        for copy, value in copies.items():
            self.keys[copy] = [Row(value, new)]
        return told | {(stream, "copied") for stream in self._forked_streams(quest, counted, new)}

    def _forked_streams(self, quest: str, counted: Counted, new: str) -> set[str]:
        """Copy the streams of a fork; return the names of the shared ones."""
        told, copies = set(), {}
        for stream, rows in self.streams.items():
            own = stream == quest or stream.startswith(f"{quest}/")
            if not own and f"{quest}/{stream}" in self.streams:
                continue
            if own or any(row.quest == quest and _drops(row, quest, counted) != row.abandoned for row in rows.values()):
                copy = new if stream == quest else f"{new}/{stream.removeprefix(f'{quest}/')}"
                inherited = {id(row) for row in _inherited(list(rows.values()), quest, counted)}
                names = [name for name, row in rows.items() if id(row) in inherited]
                copies[copy] = {f"{copy}/{name}": Row(None) for name in names}
                told |= set() if own else {stream}
        self.streams |= copies
        return told


def _drops(row: Row, quest: str, counted: Counted) -> bool:
    return row.quest == quest and row.version > counted.get(row.epoch, -1)


def _marked(row: Row, quest: str, counted: Counted) -> Row:
    return row._replace(abandoned=_drops(row, quest, counted)) if row.quest == quest else row


def _behind(rows: list[Row], quest: str, counted: Counted) -> list[Row]:
    """Return the rows behind a quest's newest one that counts."""
    counting = [number for number, row in enumerate(rows) if row.quest == quest and not _drops(row, quest, counted)]
    return rows[counting[-1] + 1 :] if counting else rows


def _inherited(rows: list[Row], quest: str, counted: Counted) -> list[Row]:
    """Return the rows that stand for a fork: those up to the first of the quest's behind the newest that counts."""
    behind = _behind(rows, quest, counted)
    begin = len(rows) - len(behind)
    end = next((begin + number for number, row in enumerate(behind) if row.quest == quest), len(rows))
    return [row for row in rows[:end] if not (_drops(row, quest, counted) if row.quest == quest else row.abandoned)]
