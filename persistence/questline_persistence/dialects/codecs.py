"""Which codec a connection's payloads pass: the store that opened it has said so."""

from __future__ import annotations

from sqlalchemy import Connection

from questline_persistence.payload import CLEAR, Codec

#: The options of a connection: its codec, and whether what it reads is for people.
CODEC, SHOWN = "questline_codec", "questline_shown"


def codec_of(connection: Connection) -> Codec:
    """Return the codec of a connection."""
    codec: Codec = connection.get_execution_options().get(CODEC, CLEAR)
    return codec


def is_shown(connection: Connection) -> bool:
    """Return whether what a connection reads is for people, who see of what has no key that it is encrypted."""
    return bool(connection.get_execution_options().get(SHOWN))
