"""What comes of an action."""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.world import Hold, World


@dataclass(frozen=True, slots=True)
class Step:
    """What an action led to, and whether it won; `begun` tells that a handler has begun to run."""

    world: World
    won: bool = True
    begun: Hold | None = None
