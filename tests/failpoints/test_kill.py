"""kill -9 at every point, on the first, middle and last step, on both stores (docs/project/faults.md, fault 1)."""

from collections.abc import Callable

import pytest

from tests.failpoints.cells import Cell, run_all
from tests.failpoints.ground import Ground
from tests.failpoints.matrix import POINTS, cells_at, name_of
from tests.integration.worker.pools import tell


@pytest.mark.parametrize("point", [pytest.param(point, id=name_of(point)) for point in POINTS])
def test_fault_01_kill_9_loses_nothing_and_doubles_nothing(
    point: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    results = run_all(cells_at(point, "kill"), ground_for)

    failed = [f"{cell}: {result}" for cell, result in results.items() if isinstance(result, str)]
    assert not failed, "\n".join(failed)
    tell(f"longest recovery: {max(result for result in results.values() if isinstance(result, float)):.2f} s")
