"""Which results count: the way from the newest snapshot back over the replays, as `history` reads it in the store."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.actions import BEGINNING, STEP_2
from tests.model.world import Snapshot, World


def lineage(snapshots: tuple[Snapshot, ...]) -> Iterator[tuple[int, int]]:
    """Yield (epoch, newest version of it that counts) from now back to the beginning (`history.lineage`)."""
    limit: int | None = len(snapshots) - 1
    while limit is not None:
        epoch = snapshots[limit].epoch
        yield epoch, limit
        limit = next(snapshot.parent for snapshot in snapshots if snapshot.epoch == epoch)


def starting_point(world: World, start: str | None) -> Snapshot | None:
    """Return the snapshot that a replay would start from, None if it has not been reached yet."""
    if start != STEP_2:
        return world.snapshots[0 if start == BEGINNING else -1]
    for epoch, limit in lineage(world.snapshots):
        for snapshot in reversed(world.snapshots[: limit + 1]):
            if (snapshot.epoch, snapshot.position) == (epoch, 2):
                return snapshot
    return None
