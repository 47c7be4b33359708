"""The codec that compresses and encrypts: zstd from a size on, then AES-256-GCM, bound to the payload's place.

Encryption needs the extra `codec`. A sealed text names its key, so that keys can be changed one payload at a time: the
first key seals, all of them open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

import zstandard

from questline_persistence.errors import EncryptionError
from questline_persistence.payload.codec import ENVELOPE, MARK, Cell, is_sealed, key_of, no_key, says_nothing

if TYPE_CHECKING:
    from questline_persistence.payload.cipher import Cipher

#: The least saving that makes compression worth its while.
_WORTH = 0.9


class Sealing:
    """Compresses and encrypts payloads.

    Parameters:
      keys: the keys by their ids, 32 bytes each; the first one seals. Without any nothing is encrypted.
      compress_from: the size in bytes from which a payload is compressed; None: never.
      index: whether the words of what is encrypted are indexed in clear all the same.
    """

    def __init__(
        self, keys: Mapping[str, bytes] | None = None, *, compress_from: int | None = None, index: bool = False
    ) -> None:
        self._keys = [*(keys or {}).values()]
        self._index = index
        self._ciphers = _ciphers(keys) if keys else {}
        self.current: str | None = next(iter(self._ciphers), None)
        self._compress_from = compress_from

    @property
    def seals(self) -> bool:
        """Whether what it writes is encrypted."""
        return self.current is not None

    def has_key(self, key_id: str) -> bool:
        """Return whether it can decrypt what this key has encrypted."""
        return key_id in self._ciphers

    @property
    def indexes(self) -> bool:
        """Whether the words of what it writes may stand in an index."""
        return self._index or not self.seals

    def fingerprint(self, digest: str) -> str:
        """Return what is stored of a digest: of one that is encrypted, nobody learns what it is of by trying."""
        return _keyed(self._keys[0], digest) if self.seals else digest

    def is_fingerprint(self, stored: str | None, digest: str) -> bool:
        """Return whether what is stored came of this digest, by whichever key."""
        return stored in {digest, *(_keyed(key, digest) for key in self._keys)}

    def seal(self, text: str, cell: Cell) -> str:
        """Return what is stored of a text at a place; a text that says nothing stays as it is."""
        if says_nothing(text):
            return text
        data, form = text.encode(), ""
        if self._compress_from is not None and len(data) >= self._compress_from:
            smaller = zstandard.compress(data)
            if len(smaller) < _WORTH * len(data):
                data, form = smaller, "z"
        if self.current is None:
            return f"{MARK}z..{base64.b64encode(data).decode()}" if form else text
        header = f"{MARK}{form}a.{self.current}."
        sealed = self._ciphers[self.current].encrypt(data, _bound(header, cell))
        return header + base64.b64encode(sealed).decode()

    def open(self, text: str, cell: Cell) -> str:
        """Return the text of what is stored at a place, which may be in clear.

        Raises:
          EncryptionError: its key is not there, or it was not sealed for this place.
        """
        found = ENVELOPE.fullmatch(text) if text.startswith(MARK) else None
        if found is None:
            return text
        try:
            data = base64.b64decode(found["body"])
            if "a" in found["form"]:
                data = self._decrypted(data, text[: found.start("body")], found["key"], cell)
            return (zstandard.decompress(data) if "z" in found["form"] else data).decode()
        except (ValueError, zstandard.ZstdError):
            raise _tampered(cell) from None

    def can_open(self, text: str) -> bool:
        """Return whether what is stored is in clear, or of a key that is there."""
        return not is_sealed(text) or (key := key_of(text)) is None or key in self._ciphers

    def is_current(self, text: str) -> bool:
        """Return whether a text, of which the beginning is enough, is under the first key, or says nothing."""
        if says_nothing(text) or not self.seals:
            return True
        return any(text.startswith(f"{MARK}{form}.{self.current}.") for form in ("a", "za"))

    def _decrypted(self, data: bytes, header: str, key_id: str, cell: Cell) -> bytes:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise no_key(cell, key_id)
        return cipher.decrypt(data, _bound(header, cell))


def _ciphers(keys: Mapping[str, bytes]) -> dict[str, Cipher]:
    """Return what encrypts and decrypts with each key."""
    from questline_persistence.payload.cipher import Cipher  # noqa: PLC0415  (what the extra brings)

    return {key_id: Cipher(key) for key_id, key in keys.items()}


def _keyed(key: bytes, digest: str) -> str:
    return hmac.new(key, b"questline fingerprint " + digest.encode(), hashlib.sha256).hexdigest()


def _bound(header: str, cell: Cell) -> bytes:
    """Return what a payload is bound to: how it was made, and its place, no part of which runs into the next."""
    parts = [header, cell.table, cell.column, *(_part(part) for part in cell.row)]
    return b"".join(b"%d:%s" % (len(data), data) for data in (part.encode() for part in parts))


def _part(part: object) -> str:
    return "-" if part is None else f"+{part}"


def _tampered(cell: Cell) -> EncryptionError:
    return EncryptionError(
        f"{cell} was not written there: it has been changed, or copied from another row or column",
        hint="restore the row from a backup, and look into who can write to the database",
    )
