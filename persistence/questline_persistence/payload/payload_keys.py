"""Keys for payloads, as people write them: `ID:KEY`, several separated by commas, the one that seals first."""

from __future__ import annotations

import base64
import binascii
import re

#: Bytes of a key.
KEY_SIZE = 32
#: What a key may be called.
_ID = re.compile(r"[A-Za-z0-9_\-]{1,40}")
_FORM = "write ID:KEY, where KEY is 32 random bytes in base64, as `openssl rand -base64 32` prints them"


def parse_keys(text: str) -> dict[str, bytes]:
    """Return keys by their ids, in their order.

    Raises:
      ValueError: one is malformed, or an id comes twice; the words repeat no key.
    """
    keys: dict[str, bytes] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in re.split(r"[,\s]+", text))), start=1):
        key_id, colon, encoded = part.partition(":")
        if not colon or not _ID.fullmatch(key_id):
            raise ValueError(f"key {number} has no id of letters, digits, _ and -: {_FORM}")
        if key_id in keys:
            raise ValueError(f"the key {key_id!r} is there twice: a new key needs an id of its own")
        keys[key_id] = _key(key_id, encoded)
    return keys


def _key(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(f"the key {key_id!r} is not base64: {_FORM}") from None
    if len(key) != KEY_SIZE:
        raise ValueError(f"the key {key_id!r} has {len(key)} bytes, not {KEY_SIZE}: {_FORM}")
    return key
