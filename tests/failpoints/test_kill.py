"""kill -9 at every point, on the first, middle and last step, on both stores (docs/project/faults.md, fault 1)."""

from collections.abc import Callable

import pytest

from tests.failpoints.cells import Cell, run_all
from tests.failpoints.ground import Ground
from tests.failpoints.matrix import POINTS, cells_at, name_of
from tests.integration.worker.pools import tell

#: The points of a step that keeps something beside its result.
REMEMBERING = [point for point in POINTS if point.partition(".")[0] in {"also", "put_off"}]
OTHERS = [point for point in POINTS if point not in REMEMBERING]


def _named(points: list[str]) -> list[object]:
    return [pytest.param(point, id=name_of(point)) for point in points]


@pytest.mark.parametrize("point", _named(OTHERS))
def test_fault_01_kill_9_loses_nothing_and_doubles_nothing(
    point: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    _kill(point, ground_for)


@pytest.mark.parametrize("point", _named(REMEMBERING))
def test_fault_01_openai_agents_python_4615_4827_kagent_2277_agentscope_1905_copilot_cli_2543_result_and_state(
    point: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    """What a step keeps is there with its result, or neither is: a state, an event, a context and a to-do list."""
    _kill(point, ground_for)


def _kill(point: str, ground_for: Callable[[Cell, str], Ground]) -> None:
    results = run_all(cells_at(point, "kill"), ground_for)

    failed = [f"{cell}: {result}" for cell, result in results.items() if isinstance(result, str)]
    assert not failed, "\n".join(failed)
    tell(f"longest recovery: {max(result for result in results.values() if isinstance(result, float)):.2f} s")
