"""What is written of what Lords remember, as values: a dialect turns them into statements, and nobody else knows how.

Whoever writes several takes them in the order of `in_order`: heads by table and key, then entries by table and id. A
head is a lock, which is taken by what it numbers, too, and so is an entry's id, since users choose it; in one order, no
two writers wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias, TypeVar

from questline_persistence.ids import new_claim_id
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.models import LordStep
from questline_persistence.payload import decode
from questline_persistence.search import json_texts, row_tokens


class Key(NamedTuple):
    """The key of a head: compared as it is, never matched."""

    namespace: str
    prefix: str
    name: str


def own_name(quest_id: str, name: str) -> str:
    """Return the name in the store of what a quest calls so."""
    return f"{quest_id}/{name}"


class Origin(NamedTuple):
    """The step that writes: of which quest, epoch and position, and the version that its checkpoint makes."""

    quest_id: str
    epoch: int
    position: str
    quest_version: int


class Op(StrEnum):
    """What a version came from."""

    SAVE = "save"
    STATUS = "status"
    DELETE = "delete"
    RESTORE = "restore"
    REWIND = "rewind"
    MERGE = "merge"
    FORK = "fork"
    IMPORT = "import"


#: What may leave a key with nothing; every other version has a payload.
EMPTYING = frozenset({Op.DELETE, Op.REWIND, Op.FORK})


@dataclass(frozen=True, slots=True)
class Saves:
    """A new version of a key.

    Parameters:
      kind: what it is.
      key: its key.
      op: what the version comes from.
      columns: the further columns to be set, of head and version; those that are missing stay as they are.
      defaults: what further columns of the head have from now on, should they have nothing yet.
      body: the payload, by column: its own, or that of the version which it points at; None where the payload stays
        as it is, or is to be gone.
      points_at: the older version whose payload it has again; None where it has its own.
      expected: the version that the head must have, 0 for a key that was never saved; None: any.
      there: whether something must be there: it is neither the first version, nor one after a deletion.
      owner: the quest that the key is of, where it is of one.
      origin: the step that writes it.
      again: returns what is to be saved instead where the head has moved on; None where nothing is known to do so.
      write_id: names this write, so that it is known again when it is sent twice.
      words: the words by which it is found, where they are known already: see `with_words`.
    """

    kind: Versioned
    key: Key
    op: Op = Op.SAVE
    columns: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, str | None] | None = None
    points_at: int | None = None
    expected: int | None = None
    there: bool = False
    owner: str | None = None
    origin: Origin | None = None
    again: Callable[[], Saves] | None = field(default=None, compare=False)
    write_id: str = field(default_factory=new_claim_id)
    words: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def makes_head(self) -> bool:
        """Whether the key need not have been saved before."""
        return self.body is not None and self.points_at is None and self.expected in {None, 0} and not self.there

    def goes_with(self, before: Saves) -> bool:
        """Whether both differ in values alone, and so may be saved by one statement."""
        mine, theirs = ((one.kind, one.key.namespace, {*one.columns}, {*one.defaults}) for one in (self, before))
        return mine == theirs and self.key != before.key and self._is_whole and before._is_whole

    @property
    def _is_whole(self) -> bool:
        """Whether the payload is the version's own, whatever was there."""
        return self.body is not None and self.points_at is None and not self.there

    @property
    def needs_one(self) -> bool:
        """Whether something must be there, since there is nothing to change or delete otherwise."""
        return self.there or self.body is None

    @property
    def fingerprint(self) -> str | None:
        """The payload's fingerprint; None without one."""
        return None if self.body is None else fingerprint(self.body[name] for name in self.kind.body)

    @property
    def size(self) -> int:
        """How many characters its payload has."""
        return _size(self.body or {})

    @property
    def changes_words(self) -> bool:
        """Whether it is found by other words than before, or by none."""
        return self.body is not None or self.op in EMPTYING

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words by which it is found."""
        if self.words is not None:
            return self.words
        return tokens_of(self.kind.searched, {self.kind.key: self.key.name, **self.columns, **(self.body or {})})


@dataclass(frozen=True, slots=True)
class Enters:
    """A new entry.

    Parameters:
      kind: what it is.
      namespace: the tenant.
      prefix: the key prefix, "" for none.
      entry_id: its id. One that is there already with the same content is this entry.
      columns: its columns, payload included.
      stream: the name of the key whose head numbers it, where its kind has a stream.
      head: columns of that head, should it be made for this entry.
      expires_time: epoch seconds of the database after which it is no longer there; None: it stays.
      owner: the quest that its stream is of, where it is of one.
      origin: the step that writes it.
      write_id: names this write.
      words: the words by which it is found, where they are known already: see `with_words`.
    """

    kind: Entries
    namespace: str
    prefix: str
    entry_id: str
    columns: Mapping[str, Any]
    stream: str | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    expires_time: float | None = None
    owner: str | None = None
    origin: Origin | None = None
    write_id: str = field(default_factory=new_claim_id)
    words: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of all that was given, by which an entry that is entered again is known."""
        names = (*self.kind.columns, *self.kind.body)
        return fingerprint((self.stream, *(self.columns.get(name) for name in names)))

    @property
    def size(self) -> int:
        """How many characters its columns have."""
        return _size(self.columns)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words by which it is found."""
        return tokens_of(self.kind.searched, self.columns) if self.words is None else self.words


Remembered: TypeAlias = Saves | Enters
W = TypeVar("W", bound=Saves | Enters)


@dataclass(frozen=True, slots=True)
class Pushes:
    """Steps that come right after the one that pushes them.

    Parameters:
      steps: the steps, in their order.
    """

    steps: tuple[LordStep, ...]


#: What a step may write besides its result.
Write: TypeAlias = Pushes | Remembered


class Moved(Exception):
    """A key is at another version than a save expects; nothing was written.

    Parameters:
      save: the save.
    """

    def __init__(self, save: Saves) -> None:
        super().__init__(save.key.name)
        self.save = save


class Words(NamedTuple):
    """The words by which a row is found.

    Parameters:
      row_id: the row.
      namespace: its tenant.
      prefix: its key prefix.
      tokens: the words.
    """

    row_id: int
    namespace: str
    prefix: str
    tokens: tuple[str, ...]


class Saved(NamedTuple):
    """A version that was made: its number, whose payload it has, the head's row, when, and when that row was made."""

    version: int
    body_version: int | None
    row_id: int
    saved_time: float
    created_at: str
    head_created_at: str


class Entered(NamedTuple):
    """An entry that was added: its number in its stream, its row, and when."""

    seq: int | None
    row_id: int
    created_at: str


def _size(columns: Mapping[str, Any]) -> int:
    return sum(len(text) for text in columns.values() if isinstance(text, str))


def fingerprint(values: Iterable[object]) -> str:
    """Return a short text that differs wherever the values do; None is not the same as ""."""
    digest = hashlib.sha256()
    for value in values:
        data = b"" if value is None else str(value).encode()
        digest.update(b"-" if value is None else b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def tokens_of(searched: Sequence[str], columns: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of the columns that are searched; of JSON those of its keys and values."""
    texts = (columns.get(name) for name in searched)
    return row_tokens(part for text in texts if text is not None for part in _texts(str(text)))


def _texts(text: str) -> Iterable[str]:
    if text.lstrip()[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):
            return json_texts(decode(text))
    return (text,)


def with_words(write: W, **changed: Any) -> W:
    """Return a write, about to be made, that knows its words: they are not sought while others wait for a lock.

    Parameters:
      changed: what else is to be different.
    """
    is_found = write.kind.searched and (isinstance(write, Enters) or write.body is not None)
    return replace(write, words=write.tokens if is_found else None, **changed)


def in_order(writes: Sequence[Remembered]) -> list[Remembered]:
    """Return writes in the order in which everybody locks what they write: heads by key, then entries by id.

    Writes that lock the same head stay in the order given, and so does what it numbers.
    """
    return sorted(writes, key=_place)


def _place(write: Remembered) -> tuple[int, str, tuple[bytes, ...]]:
    if isinstance(write, Saves):
        return 0, write.kind.heads, _encoded(write.key)
    if write.kind.stream is not None:
        return 0, write.kind.stream.of.heads, _encoded((write.namespace, write.prefix, str(write.stream)))
    return 1, write.kind.table, _encoded((write.namespace, write.prefix, write.entry_id))


def _encoded(parts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in parts)
