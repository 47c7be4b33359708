"""An error, a cut to the store or a cut to the broker at every point: the process lives on, and nothing is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.failpoints.cells import Cell, run_all
from tests.failpoints.ground import Ground
from tests.failpoints.matrix import POINTS, cells_at, name_of

FAULTS = ("raise", "sql", "broker")
#: The dozen that runs with every `make test`; the rest is for `make soak`.
CHOSEN = {
    ("raise", "claim.committed"),
    ("raise", "worker.claimed"),
    ("raise", "checkpoint.begun"),
    ("raise", "checkpoint.committed"),
    ("raise", "broker.fetch.done"),
    ("sql", "claim.committed"),
    ("sql", "checkpoint.begun"),
    ("sql", "checkpoint.committed"),
    ("sql", "also.committed"),
    ("sql", "resume.committed"),
    ("broker", "broker.ring"),
    ("broker", "broker.fetch.done"),
}


def _case(fault: str, point: str) -> Any:
    marks = () if (fault, point) in CHOSEN else (pytest.mark.soak,)
    return pytest.param(fault, point, id=f"{fault} at {name_of(point)}", marks=marks)


CASES = [_case(fault, point) for fault in FAULTS for point in POINTS if cells_at(point, fault)]


@pytest.mark.parametrize(("fault", "point"), CASES)
def test_a_fault_that_a_process_survives_loses_nothing_and_doubles_nothing(
    fault: str, point: str, ground_for: Callable[[Cell, str], Ground]
) -> None:
    results = run_all(cells_at(point, fault), ground_for)

    failed = [f"{cell}: {result}" for cell, result in results.items() if isinstance(result, str)]
    assert not failed, "\n".join(failed)
