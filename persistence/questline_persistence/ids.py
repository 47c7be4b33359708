"""Names of things that people name, and identifiers: time-ordered for rows, random for claims and workers."""

from __future__ import annotations

import os
import random
import re
import time
import uuid

from questline_persistence.errors import PayloadError, QuestNotFound

#: What a type, a Lord, a tool or a queue can be called, and that in words.
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"
NAME_HINT = "use letters, digits and _ . -, and begin with a letter, a digit or _"
#: Longest such name, in characters.
MAX_NAME = 100
#: What stands for the beginning of an id that is shown by its end; people may type two dots or three.
ELLIPSES = ("…", "...", "..")
#: How many characters of an id are shown where there is little room.
SHOWN = 12

#: Claims are many, and to ask the system for each one's name lets go of Python's lock. A forked process gets its own.
_claims = random.Random()  # noqa: S311  (a name, no secret)
os.register_at_fork(after_in_child=_claims.seed)


def is_name(value: object) -> bool:
    """Return whether a type, a Lord, a tool or a queue can be called so."""
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None and len(value) <= MAX_NAME


def new_quest_id() -> str:
    """Return a fresh UUID version 7 (RFC 9562 §5.7), so that ids sort by the time they were made."""
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    high = (millis << 16) | 0x7000 | (tail >> 68)
    low = (0b10 << 62) | (tail & ((1 << 62) - 1))
    return str(uuid.UUID(int=(high << 64) | low))


def new_claim_id() -> str:
    """Return a fresh random name for one claim or one worker incarnation: 32 hexadecimal digits."""
    return f"{_claims.getrandbits(128):032x}"


def is_possible(quest_id: str) -> bool:
    """Return whether a quest can have this id; another need not be looked for, and not every one could be.

    Raises:
      PayloadError: it is no text.
    """
    if not isinstance(quest_id, str):
        raise PayloadError(f"a quest's id is text, not {type(quest_id).__name__}", hint="give the quest's id")
    return quest_id.isascii() and quest_id.isprintable()


def shortened(quest_id: str) -> str:
    """Return an id as it is shown where there is little room: by its end, which is random."""
    return quest_id if len(quest_id) <= SHOWN + 1 else ELLIPSES[0] + quest_id[-SHOWN:]


def not_found(quest_id: str) -> QuestNotFound:
    """Return the error that no quest has this id."""
    return QuestNotFound(f"there is no quest {quest_id}", hint="run: questline list")
