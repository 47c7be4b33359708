"""Which database a connection is to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """The database of a connection, equal for all that see the same tables however they have come there.

    Parameters:
      identity: what its server, or the file system, knows it by.
      name: its URL without a password, and the schema if there are several; for people.
    """

    identity: tuple[str, ...]
    name: str = field(compare=False)
