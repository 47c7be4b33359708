"""What a running step keeps: writes are held back until its checkpoint commits them with its result, or never.

It reads what it has written itself. A save of a key that the step has loaded is guarded by the version which it has
seen; a save of one that it never looked at overwrites whatever is there, as outside of steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Row, Select

from questline_persistence.arguments import Moment
from questline_persistence.errors import PayloadError
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept, Page, page_limit, same_entry
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.step.held_list import entry_row, joined_page
from questline_persistence.schema import tables_of
from questline_persistence.store import Database
from questline_persistence.writes import Entered, Enters, Key, Moved, Op, Remembered, Saved, Saves

T = TypeVar("T")

#: Most writes of one step.
MAX_WRITES = 256
#: Most that the writes of one step may amount to, in bytes.
MAX_BYTES = 4_000_000
#: What is known of a write that is not committed yet: no number, and no time.
_PENDING = Saved(*[cast("Any", None)] * len(Saved._fields))

_ENTERING = Entered(*[cast("Any", None)] * len(Entered._fields))

#: Where a save goes: the table of its head, and its key.
_Place = tuple[str, Key]


class Buffered(Kept):
    """Writes of one step, held back until its checkpoint; and reads, which see them.

    Parameters:
      database: the store.
      namespace: the tenant.
      quest_id: the step's quest, whose own keys are called `QUEST` or `QUEST/NAME`.
      prefix: the key prefix, "" for none.
    """

    def __init__(self, database: Database, namespace: str, quest_id: str, prefix: str = "") -> None:
        super().__init__(database, namespace, prefix)
        self._quest_id = quest_id
        self._changing = threading.RLock()
        self._saves: dict[_Place, Saves] = {}
        self._entries: dict[tuple[str, str], Enters] = {}
        self._seen: dict[_Place, int] = {}
        #: What has updated a key, in its order.
        self._attempts: dict[_Place, list[Callable[[], object]]] = {}
        self._updating = False
        self._bytes = 0

    @property
    def writes(self) -> tuple[Remembered, ...]:
        """What the step writes if its result is committed."""
        return (*self._saves.values(), *self._entries.values())

    def writes_to(self, kind: Versioned, name: str) -> bool:
        """Tell whether this step has written a key."""
        return (kind.heads, self.key(name)) in self._saves

    def save(self, write: Saves) -> Saved | None:
        """Hold a version back; several of one key in a step become one, the last.

        Returns:
          A version of which nothing is known yet; None where there is nothing that it could change or delete.
        """
        with self._changing:
            place = (write.kind.heads, write.key)
            if write.needs_one and self.load(write.kind, write.key.name) is None:
                return None
            before = self._saves.get(place)
            if before is not None and write.op is Op.DELETE and super().load(write.kind, write.key.name) is None:
                self._drop(place)  # what this step alone has made
                return _PENDING
            if before is not None:
                write = _joined(before, write)
                if not self._updating:  # what others do meanwhile is not taken into this by calling anything again
                    write = replace(write, again=None)
            elif write.expected is None:
                write = replace(write, expected=self._seen.get(place))
            self._take(write, instead_of=before)
            self._saves[place] = replace(write, owner=self._owner(write.key.name))
        return _PENDING

    def enter(self, write: Enters) -> Entered:
        """Hold an entry back; one of the same id and content that is held back already is this one.

        Raises:
          Conflict: there is one of its id that says something else.
        """
        with self._changing:
            place = (write.kind.table, write.entry_id)
            before = self._entries.get(place)
            if before is not None:
                same_entry(before, write)
            else:
                self._take(write)
                self._entries[place] = replace(write, owner=self._owner(write.stream))
        return _ENTERING

    def write(self, writes: Sequence[Remembered]) -> list[Saved | Entered]:
        """Hold several writes back."""
        return [self._held_back(write) for write in writes]

    def _held_back(self, write: Remembered) -> Saved | Entered:
        if isinstance(write, Enters):
            return self.enter(write)
        saved = self.save(write)
        if saved is None:
            raise Moved(write)
        return saved

    def purge(
        self,
        kind: Versioned,
        name: str,
        *,
        where: Sequence[ColumnElement[bool]] = (),  # noqa: ARG002
        along: Sequence[Versioned] = (),  # noqa: ARG002
    ) -> bool:
        """Refuse: what is removed for good cannot be committed or not with a result.

        Raises:
          PayloadError: always.
        """
        message = f"a step cannot purge {kind.name} {name}: it would be gone even if the step failed"
        raise PayloadError(message, hint="delete it, which can be undone, or purge it outside of steps")

    def forget(self, kind: Entries, entry_id: str) -> bool:
        """Refuse: what other steps have added is not a value that a checkpoint could write.

        Raises:
          PayloadError: always.
        """
        message = f"a step cannot forget {kind.name} {entry_id}: it would be gone even if the step failed"
        raise PayloadError(message, hint="forget it outside of steps")

    def change(self, work: Callable[[Connection, float], T]) -> T:  # noqa: ARG002  (the contract's)
        """Refuse: what is changed at once cannot be committed with a result.

        Raises:
          PayloadError: always.
        """
        message = "a step cannot do so: it would be done even if the step failed"
        raise PayloadError(message, hint="do it outside of steps")

    def load(self, kind: Versioned, name: str, *, version: int | None = None, as_of: Moment | None = None) -> Any:
        """Return a key's present version, what this step has written of it included; or an older one."""
        if version is not None or as_of is not None:
            return super().load(kind, name, version=version, as_of=as_of)
        return self.look(kind, name)[0]

    def look(self, kind: Versioned, name: str) -> tuple[Any, int | None]:
        """Return what is there of a key at present, and at which version it is; None once this step has written it."""
        place = (kind.heads, self.key(name))
        pending = self._saves.get(place)
        if pending is not None:
            stored = None if pending.body is not None else super().load(kind, name)
            return self._pending(pending, stored), None
        row, head = super().look(kind, name)
        with self._changing:
            self._seen.setdefault(place, head or 0)
        return row, head

    def exists(self, kind: Versioned, name: str) -> bool:
        """Return whether a key has something at present, what this step has written included."""
        return self.load(kind, name) is not None

    def load_all(self, kind: Versioned, names: Collection[str]) -> dict[str, Any]:
        """Return what is there at present of several keys, by their names."""
        found = {name: self.load(kind, name) for name in names}
        return {name: row for name, row in found.items() if row is not None}

    def page(
        self,
        query: Callable[[float], Select[Any]],
        order: Sequence[ColumnElement[Any]],
        *,
        of: object,
        limit: int = PAGE,
        cursor: str | None = None,
        newest_first: bool = True,
        listing: Listing | None = None,
    ) -> Page:
        """Return a page of a list, with what this step has written where the newest things are."""
        if listing is None:
            return super().page(query, order, of=of, limit=limit, cursor=cursor, newest_first=newest_first)
        page_limit(limit)
        written, held = self._held(listing)
        own = tables_of(listing.kind).heads.c[listing.kind.key] if isinstance(listing.kind, Versioned) else None
        super_page = super().page

        def committed(limit: int, cursor: str | None) -> Page:
            def of_others(now: float) -> Select[Any]:
                return query(now) if own is None or not written else query(now).where(own.not_in(written))

            return super_page(of_others, order, of=of, limit=limit, cursor=cursor, newest_first=newest_first)

        return joined_page(held, committed, of=of, limit=limit, cursor=cursor, newest_first=newest_first)

    def _held(self, listing: Listing) -> tuple[Sequence[str], list[SimpleNamespace]]:
        """Return the keys that are not listed as they are stored, and the rows in their place, and of entries."""
        kind = listing.kind
        with self._changing:
            saves = [save for save in self._saves.values() if save.kind is kind and save.key.prefix == self.prefix]
            entries = [entry for entry in self._entries.values() if entry.kind is kind and entry.prefix == self.prefix]
        if isinstance(kind, Entries):
            rows: list[SimpleNamespace | None] = [entry_row(entry) for entry in entries]
            return (), [row for row in rows if row is not None and listing.belongs(row)]
        if listing.with_deleted:
            saves = [save for save in saves if save.op is not Op.DELETE]
        names = [save.key.name for save in saves]
        stored = super().load_all(kind, names) if names else {}
        rows = [self._pending(save, stored.get(save.key.name)) for save in saves]
        return names, [row for row in rows if row is not None and listing.belongs(row)]

    def updating(self, attempt: Callable[[], T], *, tries: int) -> T:  # noqa: ARG002  (the checkpoint has its own number)
        """Call what loads a key and saves what it makes of it; it is called anew where the key has moved meanwhile.

        Parameters:
          attempt: loads and saves.
          tries: how often at most, outside of steps.
        """
        with self._changing:
            before, entries = dict(self._saves), len(self._entries)
            self._updating = True
            try:
                result = attempt()
            finally:
                self._updating = False
            made = [place for place, save in self._saves.items() if before.get(place) is not save]
            alone = len(made) == 1 and len(self._entries) == entries
            for place in made:
                self._note_update(place, attempt, before.get(place), alone=alone)
            return result

    def _note_update(self, place: _Place, attempt: Callable[[], object], before: Saves | None, *, alone: bool) -> None:
        """Note what has updated a key. It is called again only where that makes all of the save, and nothing else."""
        attempts = [] if before is None else self._attempts.get(place, [])
        self._attempts[place] = [*attempts, attempt]
        repeatable = alone and (before is None or before.again is not None)
        again = partial(self._made_again, place) if repeatable else None
        self._saves[place] = replace(self._saves[place], again=again)

    def _made_again(self, place: _Place) -> Saves:
        """Return what the step's updates of a key make of what is there now."""
        with self._changing:
            attempts = self._attempts.pop(place)
            self._drop(place)
            self._seen.pop(place, None)
            for attempt in attempts:
                self.updating(attempt, tries=1)
            return self._saves[place]

    def _owner(self, name: str | None) -> str | None:
        """Return the step's quest, if a key is its own."""
        own = name is not None and (name == self._quest_id or name.startswith(f"{self._quest_id}/"))
        return self._quest_id if own else None

    def _pending(self, save: Saves, stored: Row[Any] | None) -> SimpleNamespace | None:
        """Return a row as it would be after the checkpoint, as far as that is known; None where it is to be deleted.

        Parameters:
          save: what is to be saved.
          stored: what is there at present.
        """
        if save.op is Op.DELETE:
            return None
        unknown = dict.fromkeys(reading.columns(save.kind))
        found = {} if stored is None else stored._asdict()
        if save.body is not None:
            found = {name: found[name] for name in ("created_at",) if name in found}
        own = {"namespace": self.namespace, "key_prefix": self.prefix, save.kind.key: save.key.name, "version": None}
        return SimpleNamespace(**unknown | found | dict(save.columns) | dict(save.body or {}) | own)

    def _take(self, write: Remembered, *, instead_of: Saves | None = None) -> None:
        """Count a write, and refuse one too many.

        Parameters:
          write: the write.
          instead_of: the one in whose place it comes.
        """
        size = self._bytes + _bytes(write) - (0 if instead_of is None else _bytes(instead_of))
        if instead_of is None and len(self._saves) + len(self._entries) >= MAX_WRITES:
            raise PayloadError(f"a step can write {MAX_WRITES} things at most", hint="write fewer, or in several steps")
        if size > MAX_BYTES:
            message = f"what this step writes is larger than {MAX_BYTES:,} bytes"
            raise PayloadError(message, hint="write less, or in several steps; keep large data elsewhere")
        self._bytes = size

    def _drop(self, place: _Place) -> None:
        """Write a key no more."""
        self._bytes -= _bytes(self._saves.pop(place))


def _bytes(write: Remembered) -> int:
    """Return how large what a write stores is."""
    texts = (write.body or {}) if isinstance(write, Saves) else write.columns
    return sum(len(text.encode()) for text in texts.values() if isinstance(text, str))


def _joined(before: Saves, after: Saves) -> Saves:
    """Return one save in place of two of the same key, under the guard of the first."""
    expected = before.expected if after.expected is None else after.expected
    columns = {**before.columns, **after.columns}
    if after.op is Op.STATUS:
        return replace(before, columns=columns, expected=expected)
    return replace(after, columns=columns, expected=expected)
