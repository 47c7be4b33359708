"""What a server of a store is at the moment, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """What a server is at the moment, and how it is reached.

    `standby` tells that it follows another one, `read_only` that this role's transactions may not write, `pooled` that
    a pooler stands before it, and `shared` that sessions are not kept for one client, which nobody has noticed yet.
    """

    standby: bool
    read_only: bool
    pooled: bool
    shared: bool
