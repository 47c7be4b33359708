"""What comes of an action."""

from __future__ import annotations

from typing import NamedTuple

from tests.model.world import Hold, World


class Step(NamedTuple):
    """What an action led to, and whether it won; `begun` tells that a handler has begun to run."""

    world: World
    won: bool = True
    begun: Hold | None = None
