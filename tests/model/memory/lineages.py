"""What replays and forks make of the keys and entries that a quest's steps have written.

A quest has three steps. Each loads a key that others share and one of the quest's own, saves both with itself added,
and adds an entry. Somebody else saves the shared key; replays and forks start from any version of any epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from tests.model.memory.model import Model, Move

#: The steps of the quest.
STEPS = 3
#: What a key holds before the quest begins; what others add to it is told by negative numbers.
BEFORE = 0

OWN = "I28 the quest's own key is as after a run from the beginning"
SHARED = "I28 a shared key tells of steps that count, but for what others have built on"
ENTRIES = "I26 the entries shown are those of the steps that count"
OTHERS = "I29 no replay hides what others have saved"
FORK_OWN = "a fork's own key is as after a run from the beginning"
FORK_ADDED = "a fork finds the entries of the steps that count for it, and no others"
FORK_SHARED = "a fork finds a shared key as its steps that count left it, but for what others have built on"

Value = tuple[int, ...]  # whose saves it was made from


class Snapshot(NamedTuple):
    """A version of the quest: the step that comes next, and where its epoch began."""

    epoch: int
    position: int
    parent: int | None = None


class Origin(NamedTuple):
    """The version of the quest that wrote a row."""

    epoch: int
    version: int


class Row(NamedTuple):
    """A version of a key, or an entry; one without an origin was written by somebody else."""

    value: Value
    origin: Origin | None = None
    abandoned: bool = False


Rows = tuple[Row, ...]
#: For each epoch of a quest's history, the newest version of it that counts.
Lineage = Mapping[int, int]


class World(NamedTuple):
    """The versions of the quest and all that was written."""

    before: Value
    snapshots: tuple[Snapshot, ...]
    shared: Rows
    own: Rows
    entries: Rows = ()
    others: int = 0


class Lineages(Model[World]):
    """A quest that begins with nothing, or where a fork begins: with what it has inherited.

    Parameters:
      without: the guard that a mutant lacks.
      others: how often somebody else saves the shared key.
      replays: how often the quest is replayed.
    """

    guards: ClassVar[Mapping[str, str]] = {
        "replay.marks": OWN,  # rows of steps that no longer count are marked
        "replay.revives": OWN,  # ... and the marks of those that count again are taken away
        "replay.rewinds": OWN,  # a key whose newest version is marked gets a new one
        "replay.newest": OTHERS,  # ... only if it is the newest: what others have built on stays
        "replay.counts": OWN,  # ... with the body of the newest version that counts
        "replay.origin": OWN,  # ... and belongs to the replay, so that a later one may drop it
        "fork.own": FORK_OWN,  # a fork begins with a copy of the quest's own keys
        "fork.shared": FORK_SHARED,  # ... and of shared keys that steps have written which it does not inherit
        "fork.first": FORK_SHARED,  # ... which go before the shared ones
        "fork.added": FORK_ADDED,  # ... and of streams that are not as the fork inherits them
    }

    def __init__(self, without: str | None = None, others: int = 1, replays: int = 2) -> None:
        super().__init__(without)
        self._others = others
        self._replays = replays

    def starts(self) -> Iterable[World]:
        yield World((), (Snapshot(0, 1),), (), ())
        yield World((BEFORE,), (Snapshot(0, 1),), (Row((BEFORE,)),), (Row((BEFORE,)),))

    def rests(self, world: World) -> bool:  # noqa: ARG002  (nobody waits for anybody in any world)
        return True

    def broken(self, world: World) -> str | None:
        done = _done(world.snapshots[-1])
        if _present(world.own) != (*world.before, *done):
            return OWN
        if not _fits(_present(world.shared), world.before, done):
            return SHARED
        if [tag for tag in _present(world.shared) if tag < 0] != [-number for number in range(1, world.others + 1)]:
            return OTHERS
        shown = [row.value for row in world.entries if not row.abandoned]
        return None if shown == [(step,) for step in done] else ENTRIES

    def moves(self, world: World) -> Iterator[Move[World]]:
        newest = world.snapshots[-1]
        if newest.position <= STEPS:
            yield Move(f"step {newest.position}", _stepped(world, newest))
        if world.others < self._others:
            added = Row((*_present(world.shared), -world.others - 1))
            yield Move("somebody else saves", world._replace(shared=(*world.shared, added), others=world.others + 1))
        for version, snapshot in enumerate(world.snapshots):
            if snapshot.position <= STEPS:
                lineage = _lineage(world.snapshots, version)
                if newest.epoch < self._replays:
                    yield Move(f"replay from version {version}", self._replayed(world, version, lineage))
                yield Move(f"fork from version {version}", world, breaks=self._fork(world, snapshot, lineage))

    def _replayed(self, world: World, version: int, lineage: Lineage) -> World:
        """Mark what no longer counts, and take keys back to what does."""
        now = Origin(world.snapshots[-1].epoch + 1, len(world.snapshots))
        began = Snapshot(now.epoch, world.snapshots[version].position, version)
        shared, own, entries = (self._marked(rows, lineage) for rows in (world.shared, world.own, world.entries))
        return world._replace(
            snapshots=(*world.snapshots, began),
            shared=self._rewound(shared, now),
            own=self._rewound(own, now),
            entries=entries,
        )

    def _marked(self, rows: Rows, lineage: Lineage) -> Rows:
        return tuple([row._replace(abandoned=self._is_abandoned(row, lineage)) for row in rows])

    def _is_abandoned(self, row: Row, lineage: Lineage) -> bool:
        if _counts(row, lineage):
            return row.abandoned and not self.keeps("replay.revives")
        return row.abandoned or self.keeps("replay.marks")

    def _rewound(self, rows: Rows, now: Origin) -> Rows:
        """Add a version with the body of the newest one that counts, if the newest of all does not."""
        marked = [number for number, row in enumerate(rows) if row.abandoned]
        if not marked or not self.keeps("replay.rewinds"):
            return rows
        if marked[-1] != len(rows) - 1 and self.keeps("replay.newest"):
            return rows
        earlier = [row for row in rows[: marked[-1]] if not (row.abandoned and self.keeps("replay.counts"))]
        body = earlier[-1].value if earlier else ()
        return (*rows, Row(body, now if self.keeps("replay.origin") else None))

    def _fork(self, world: World, snapshot: Snapshot, lineage: Lineage) -> str | None:
        """Return the invariant that breaks for a fork before its first step."""
        done = _done(snapshot)
        own = _inherited(world.own, lineage) if self.keeps("fork.own") else ()
        if own != (*world.before, *done):
            return FORK_OWN
        entries = [row for row in world.entries if not row.abandoned]
        if any(_counts(row, lineage) == row.abandoned for row in world.entries) and self.keeps("fork.added"):
            entries = [row for row in world.entries if _counts(row, lineage)]
        if [row.value for row in entries] != [(step,) for step in done]:
            return FORK_ADDED
        seen = _present(world.shared)
        inherited = _inherited(world.shared, lineage)
        if inherited != seen and self.keeps("fork.shared") and self.keeps("fork.first"):
            seen = inherited
        return None if _fits(seen, world.before, done) else FORK_SHARED


def _stepped(world: World, newest: Snapshot) -> World:
    """Commit the next step: what it has loaded and itself, and an entry."""
    step, origin = newest.position, Origin(newest.epoch, len(world.snapshots))
    return world._replace(
        snapshots=(*world.snapshots, Snapshot(newest.epoch, step + 1, newest.parent)),
        shared=(*world.shared, Row((*_present(world.shared), step), origin)),
        own=(*world.own, Row((*_present(world.own), step), origin)),
        entries=(*world.entries, Row((step,), origin)),
    )


def _lineage(snapshots: tuple[Snapshot, ...], version: int) -> Lineage:
    """Return what counts in the history that led to a version."""
    found: dict[int, int] = {}
    limit: int | None = version
    while limit is not None:
        epoch, _, parent = snapshots[limit]
        found[epoch] = limit
        limit = parent
    return found


def _counts(row: Row, lineage: Lineage) -> bool:
    return row.origin is None or row.origin.version <= lineage.get(row.origin.epoch, -1)


def _inherited(rows: Rows, lineage: Lineage) -> Value:
    """Return a key as the newest row that counts left it, with what others added before the next that does not."""
    mine = [number for number, row in enumerate(rows) if row.origin is not None]
    counting = [number for number in mine if _counts(rows[number], lineage)]
    begin = counting[-1] + 1 if counting else 0
    end = next((number for number in mine if number >= begin), len(rows))
    return _present(rows[:end])


def _present(rows: Rows) -> Value:
    return rows[-1].value if rows else ()


def _done(snapshot: Snapshot) -> Value:
    """Return the steps that count at a version."""
    return tuple(range(1, snapshot.position))


def _fits(value: Value, before: Value, done: Value) -> bool:
    """Return whether a value is what the steps made of it, at least since somebody else saved it last."""
    others = [number for number, tag in enumerate(value) if tag < 0]
    if not others:
        return value == (*before, *done)
    since = value[others[-1] + 1 :]
    return since == done[len(done) - len(since) :]
