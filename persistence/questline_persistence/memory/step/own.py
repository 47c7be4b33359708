"""What a quest keeps for itself: the same kinds of things, under keys that no other quest uses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy import and_, or_, select

from questline_persistence.arguments import Moment
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory.kept import Kept, Page
from questline_persistence.memory.reading import present
from questline_persistence.memory.step.buffered import Buffered
from questline_persistence.schema import same_key, tables_of, within
from questline_persistence.writes import Entered, Enters, Key, Op, Remembered, Saved, Saves, own_name

W = TypeVar("W", bound=Remembered)


class OwnKept(Kept):
    """What a running step keeps of its quest alone: `NAME` there is `QUEST/NAME` in the store.

    Parameters:
      buffered: what the step keeps.
      quest_id: its quest.
    """

    def __init__(self, buffered: Buffered, quest_id: str) -> None:
        super().__init__(buffered.database, buffered.namespace, buffered.prefix)
        self._buffered = buffered
        self._quest_id = quest_id

    def _stored(self, kind: Versioned, name: str) -> str:  # noqa: ARG002  (which are the quest's own may differ)
        """Return the name that a key of a kind has in the store."""
        return own_name(self._quest_id, name)

    def stored_key(self, kind: Versioned, name: str) -> Key:
        """Return the key of the quest's own that is called so."""
        return self._buffered.key(self._stored(kind, name))

    def called(self, kind: Versioned, stored: str) -> str | None:
        """Return what is called here that has a name in the store; None where no name here means it."""
        name = stored.removeprefix(own_name(self._quest_id, ""))
        return name if self._stored(kind, name) == stored else None

    def save(self, write: Saves) -> Saved | None:
        """Hold a version back, of a key of the quest's own."""
        return self._buffered.save(self._own(write))

    def enter(self, write: Enters) -> Entered:
        """Hold an entry back, in a stream of the quest's own."""
        return self._buffered.enter(self._own(write))

    def write(self, writes: Sequence[Remembered]) -> list[Saved | Entered]:
        """Hold several writes back."""
        return self._buffered.write([self._own(write) for write in writes])

    def load(self, kind: Versioned, name: str, *, version: int | None = None, as_of: Moment | None = None) -> Any:
        """Return a key's present version, or an older one, under the name that it has here."""
        row = self._buffered.load(kind, self._stored(kind, name), version=version, as_of=as_of)
        return None if row is None else self._named(kind, row, name)

    def look(self, kind: Versioned, name: str) -> tuple[Any, int | None]:
        """Return what is there of a key at present, and at which version it is."""
        row, version = self._buffered.look(kind, self._stored(kind, name))
        return None if row is None else self._named(kind, row, name), version

    def exists(self, kind: Versioned, name: str) -> bool:
        """Return whether a key has something at present."""
        return self._buffered.exists(kind, self._stored(kind, name))

    def load_all(self, kind: Versioned, names: Collection[str]) -> dict[str, Any]:
        """Return what is there at present of several keys, by their names here."""
        found = {name: self.load(kind, name) for name in names}
        return {name: row for name, row in found.items() if row is not None}

    def page(self, query: Any, order: Any, **more: Any) -> Page:
        """Return a page of a list, with what the step has written."""
        return self._buffered.page(query, order, **more)

    def updating(self, attempt: Any, *, tries: int) -> Any:
        """Call what loads a key and saves what it makes of it, as the step does."""
        return self._buffered.updating(attempt, tries=tries)

    def change(self, work: Any) -> Any:
        """Refuse, as the step does."""
        return self._buffered.change(work)

    def writes_to(self, kind: Versioned, name: str) -> bool:
        """Return whether this step has written a key."""
        return self._buffered.writes_to(kind, self._stored(kind, name))

    def purge(self, kind: Versioned, name: str, **more: Any) -> bool:
        """Refuse, as the step does."""
        return self._buffered.purge(kind, name, **more)

    def forget(self, kind: Entries, entry_id: str) -> bool:
        """Refuse, as the step does."""
        return self._buffered.forget(kind, entry_id)

    def _own(self, write: W) -> W:
        """Return a write of a key, or into a stream, of the quest's own."""
        if isinstance(write, Saves):
            return replace(write, key=self.stored_key(write.kind, write.key.name))
        if write.kind.stream is None or write.stream is None:
            return write
        return replace(write, stream=self._stored(write.kind.stream.of, write.stream))

    @staticmethod
    def _named(kind: Versioned, row: Any, name: str) -> SimpleNamespace:
        values = vars(row) if isinstance(row, SimpleNamespace) else row._asdict()
        return SimpleNamespace(**{**values, kind.key: name})


class OwnFirstKept(OwnKept):
    """What a running step keeps, where the quest's own keys go before shared ones of the same kind and name.

    So a fork finds its copies of what others share under the names that the first quest used.
    """

    def __init__(self, buffered: Buffered, quest_id: str) -> None:
        super().__init__(buffered, quest_id)
        self._names: dict[Versioned, frozenset[str]] = {}

    def _stored(self, kind: Versioned, name: str) -> str:
        if name == self._quest_id:  # it is the quest's own as it is
            return name
        own = super()._stored(kind, name)
        return own if name in self._own_names(kind) or self._buffered.writes_to(kind, own) else name

    def _own_names(self, kind: Versioned) -> frozenset[str]:
        """Return the names of the quest's own keys of a kind; they are read once."""
        if kind not in self._names:
            heads, versions = tables_of(kind)
            mine = select(heads.c[kind.key]).where(
                heads.c.owner == self._quest_id, *within(heads, self.namespace, self.prefix)
            )
            # A fork's copy goes before the shared key even if nothing was there to be copied.
            first = (same_key(kind, heads, versions), versions.c.version == 1, versions.c.op == Op.FORK)
            copied = select(versions.c.id).where(*first).exists()
            found = self.read(
                lambda own, now: own.execute(mine.where(or_(and_(*present(heads, now)), copied))).scalars().all()
            )
            self._names[kind] = frozenset(name.removeprefix(own_name(self._quest_id, "")) for name in found)
        return self._names[kind]
