"""One key, and those who save it from outside of steps: at once, or again and again until nobody was faster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple

from tests.model.memory.model import Model, Move, put

#: Who saved the key before anybody here.
BEFORE = -1

COUNTED = "I24 a key's versions are counted without a gap, and no number comes twice"
ONCE = "a save is done once, or once more where a purge has removed it"
READ = "an update changes the value that it has read"


class Kind(StrEnum):
    """What somebody does to the key."""

    UPDATE = "update"  # load, think, save what was made of it; again after a conflict
    SAVE = "save"  # whatever is there
    PURGE = "purge"


class Phase(StrEnum):
    """How far somebody has come."""

    LOADING = "loading"
    SAVING = "saving"
    COUNTED = "counted"  # a mutant: the number is made, and not yet used
    UNHEARD = "unheard"  # the save was committed, but its reply was lost
    DONE = "done"


class Writer(NamedTuple):
    """Somebody who writes the key, and what it has read."""

    kind: Kind
    phase: Phase
    version: int = 0
    value: tuple[int, ...] = ()
    heard: bool = True


class World(NamedTuple):
    """The head of the key, its rows, and who is at it.

    A value tells whose saves it was made from; `rows` are the writers of the versions that no purge has removed.
    """

    version: int
    value: tuple[int, ...]
    rows: tuple[int, ...]
    highest: int  # the highest number that a version ever had
    writers: tuple[Writer, ...]


class Saves(Model[World]):
    """Two who update the key, one who saves it as it likes, one who purges it; each may lose a reply."""

    guards: ClassVar[Mapping[str, str]] = {
        "save.version": READ,  # an update is refused where the head's version is not the one that was read
        "save.counted": COUNTED,  # the next number is that of the locked head
        "save.write_id": ONCE,  # a save that is sent again looks first for what it has already written
        "purge.version": COUNTED,  # the head stays with its count
    }
    writers = (Kind.UPDATE, Kind.UPDATE, Kind.SAVE, Kind.PURGE)

    def starts(self) -> Iterable[World]:
        writers = tuple(Writer(kind, Phase.LOADING if kind is Kind.UPDATE else Phase.SAVING) for kind in self.writers)
        yield World(0, (), (), 0, writers)
        yield World(1, (BEFORE,), (BEFORE,), 1, writers)

    def rests(self, world: World) -> bool:
        return all(writer.phase is Phase.DONE for writer in world.writers)

    def moves(self, world: World) -> Iterator[Move[World]]:
        for number, writer in enumerate(world.writers):
            match writer.phase:
                case Phase.LOADING:
                    read = writer._replace(phase=Phase.SAVING, version=world.version, value=world.value)
                    yield Move(f"{number} loads version {world.version}", _with(world, number, read))
                case Phase.SAVING if writer.kind is Kind.PURGE:
                    yield self._purge(world, number)
                case Phase.SAVING if writer.kind is Kind.SAVE and not self.keeps("save.counted"):
                    made = writer._replace(phase=Phase.COUNTED, version=world.version + 1)
                    yield Move(f"{number} makes number {made.version}", _with(world, number, made))
                case Phase.SAVING | Phase.COUNTED | Phase.UNHEARD:
                    yield from self._save(world, number, writer)

    def _purge(self, world: World, number: int) -> Move[World]:
        """Remove every version, if there is any; what is left is a count, which has gone on by one."""
        count = world.version + bool(world.version) if self.keeps("purge.version") else 0
        purged = world._replace(version=count, value=(), rows=(), highest=max(world.highest, count))
        return Move(f"{number} purges", _done(purged, number))

    def _save(self, world: World, number: int, writer: Writer) -> Iterator[Move[World]]:
        if writer.phase is Phase.UNHEARD and self.keeps("save.write_id") and number in world.rows:
            yield Move(f"{number} finds what it has saved", _done(world, number))
            return
        update = writer.kind is Kind.UPDATE
        if update and self.keeps("save.version") and writer.version != world.version:
            yield Move(f"{number} meets a conflict", _with(world, number, writer._replace(phase=Phase.LOADING)))
            return
        version = writer.version if writer.phase is Phase.COUNTED else world.version + 1
        value = (*writer.value, number) if update else (number,)
        saved = World(version, value, (*world.rows, number), version, world.writers)
        breaks = _broken_by(world, number, writer, version)
        yield Move(f"{number} saves version {version}", _done(saved, number), breaks=breaks)
        if writer.heard:
            unheard = writer._replace(phase=Phase.UNHEARD, heard=False)
            yield Move(f"{number} saves version {version} (reply lost)", _with(saved, number, unheard), helps=False)


def _broken_by(world: World, number: int, writer: Writer, version: int) -> str | None:
    """Return the invariant that a save breaks, if any."""
    if number in world.rows:
        return ONCE
    if version != world.highest + 1:
        return COUNTED
    return READ if writer.kind is Kind.UPDATE and writer.value != world.value else None


def _with(world: World, number: int, writer: Writer) -> World:
    return world._replace(writers=put(world.writers, number, writer))


def _done(world: World, number: int) -> World:
    """Return the world after a writer has come to its end; what it has read is no longer of interest."""
    return _with(world, number, Writer(world.writers[number].kind, Phase.DONE))
