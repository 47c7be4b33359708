"""What a lost worker had in hand, when whoever finds it lost dies too."""

from collections.abc import Callable

from tests.failpoints.cells import Cell
from tests.failpoints.ground import Ground
from tests.failpoints.scenes import Scene, bereft


def test_the_bell_that_a_lost_worker_had_fetched_is_given_back_though_the_sweeper_dies(
    ground_for: Callable[[Cell, str], Ground],
) -> None:
    cell = Cell("sweep_lost.committed", "kill", 1, "postgres_valkey")
    ground = ground_for(cell, "orphans")
    try:
        cell.run(ground, Scene(bereft))
    finally:
        ground.close()
