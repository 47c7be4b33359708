"""Names of files for keys that may be any text: readable, short, and never those of two keys."""

from __future__ import annotations

import hashlib
import re

from questline_persistence.payload import encode
from questline_persistence.writes import Key

#: What a file's name ends with.
SUFFIX = ".json"
#: How many characters of a key's name are shown in the file's.
SHOWN = 60
#: How many hexadecimal digits tell keys apart.
DIGITS = 32

_ESCAPED = re.compile(r"[^A-Za-z0-9_-]")


def file_name(key: Key) -> str:
    """Return the name of a key's file: its own name as far as every file system takes it, and a hash of the whole key.

    The hash tells apart what looks alike, also where a file system ignores case. The name is never read back: the file
    says whose it is.
    """
    digest = hashlib.sha256(encode([*key], what="a key").encode()).hexdigest()[:DIGITS]
    return f"{_ESCAPED.sub('_', key.name[:SHOWN])}-{digest}{SUFFIX}"
