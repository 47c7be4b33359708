"""What the store makes of a payload's text on its way in, and undoes on its way out.

A payload is sealed for one place: a column of one row. Whoever writes or reads a row names that place, and nobody above
the store knows that there is a codec at all. Without one, payloads stand in clear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from questline_persistence.errors import EncryptionError

#: How a sealed text begins: no JSON text does.
MARK = "~q1."
#: The whole of a sealed text: how it was made, with which key, and what came of it.
ENVELOPE = re.compile(re.escape(MARK) + r"(?P<form>z|a|za)\.(?P<key>[A-Za-z0-9_\-]*)\.(?P<body>[A-Za-z0-9+/]+=*)")
#: What people see of a payload whose key is not there: of a text, of JSON, of a JSON object, and of a list.
HIDDEN = "<encrypted>"
HIDDEN_JSON, HIDDEN_OBJECT, HIDDEN_LIST = f'"{HIDDEN}"', f'{{"{HIDDEN}":true}}', "[]"
#: Payloads that say nothing, and are stored as they are.
_EMPTY = frozenset({"{}", ""})


class Cell(NamedTuple):
    """Where a payload stands; one that is found elsewhere is refused.

    Parameters:
      table: the table.
      column: the column.
      row: what tells the row from all others of the table.
    """

    table: str
    column: str
    row: tuple[object, ...]

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {'/'.join(str(part) for part in self.row if part is not None)}"


class Codec(Protocol):
    """Turns a payload's text into what is stored, and back."""

    @property
    def seals(self) -> bool:
        """Whether what it writes is encrypted."""
        ...

    @property
    def current(self) -> str | None:
        """The id of the key that it encrypts with; None without one."""
        ...

    @property
    def indexes(self) -> bool:
        """Whether the words of what it writes may stand in an index."""
        ...

    def has_key(self, key_id: str) -> bool:
        """Return whether it can decrypt what this key has encrypted."""
        ...

    def fingerprint(self, digest: str) -> str:
        """Return what is stored of a digest of payloads, by which equal ones are known."""
        ...

    def is_fingerprint(self, stored: str | None, digest: str) -> bool:
        """Return whether what is stored came of this digest, by whichever key."""
        ...

    def seal(self, text: str, cell: Cell) -> str:
        """Return what is stored of a text at a place."""
        ...

    def open(self, text: str, cell: Cell) -> str:
        """Return the text of what is stored at a place, which may be in clear.

        Raises:
          EncryptionError: its key is not there (`key_id` names it), or it was not sealed for this place.
        """
        ...

    def can_open(self, text: str) -> bool:
        """Return whether what is stored is in clear, or of a key that is there."""
        ...

    def is_current(self, text: str) -> bool:
        """Return whether a text, of which the beginning is enough, is under the key of now, or has no need of one.

        That it might be compressed otherwise is of no matter.
        """
        ...


class Clear:
    """The codec of a process that has none: it writes in clear, and reads what is not encrypted."""

    seals = False
    indexes = True
    current = None

    def has_key(self, key_id: str) -> bool:  # noqa: ARG002  (the protocol's)
        """Return that there is no key."""
        return False

    def fingerprint(self, digest: str) -> str:
        """Return the digest as it is."""
        return digest

    def is_fingerprint(self, stored: str | None, digest: str) -> bool:
        """Return whether what is stored is the digest."""
        return stored == digest

    def seal(self, text: str, cell: Cell) -> str:  # noqa: ARG002  (the protocol's)
        """Return the text as it is."""
        return text

    def open(self, text: str, cell: Cell) -> str:
        """Return the text of what is stored at a place.

        Raises:
          EncryptionError: it is encrypted.
        """
        if not is_sealed(text):
            return text
        if (key_id := key_of(text)) is not None:
            raise no_key(cell, key_id)
        return sealing_codec({}, compress_from=None).open(text, cell)

    def can_open(self, text: str) -> bool:
        """Return whether what is stored is not encrypted."""
        return not is_sealed(text) or key_of(text) is None

    def is_current(self, text: str) -> bool:
        """Return whether a text is stored as it would be now: in clear."""
        return not is_sealed(text)


#: The one codec that does nothing.
CLEAR = Clear()


def sealing_codec(keys: Mapping[str, bytes], *, compress_from: int | None, index: bool = False) -> Codec:
    """Return the codec that encrypts and compresses.

    Parameters:
      keys: the keys by their ids; the first one encrypts. Without any nothing is encrypted.
      compress_from: the size in bytes from which a payload is compressed; None: never.
      index: whether the words of what is encrypted are indexed in clear all the same.

    Raises:
      ImportError: there are keys, and the extra `codec` is not installed.
    """
    from questline_persistence.payload.sealing import Sealing  # noqa: PLC0415  (it imports this)

    return Sealing(keys, compress_from=compress_from, index=index)


def is_sealed(text: object) -> bool:
    """Return whether a value of a column is a text that a codec has made."""
    return isinstance(text, str) and text.startswith(MARK) and ENVELOPE.fullmatch(text) is not None


def says_nothing(text: str) -> bool:
    """Return whether a payload is empty, so that there is nothing to keep from anybody."""
    return text in _EMPTY


def key_of(text: str) -> str | None:
    """Return the id of the key that a text is sealed with; None for one that is not encrypted."""
    found = ENVELOPE.fullmatch(text) if text.startswith(MARK) else None
    return found["key"] or None if found else None


def no_key(cell: Cell, key_id: str) -> EncryptionError:
    """Return the error for a payload whose key is not there."""
    return EncryptionError(
        f"{cell} is encrypted with the key {key_id!r}, which this process does not have",
        hint="add that key to QUESTLINE_PAYLOAD_KEYS",
        key_id=key_id,
    )
