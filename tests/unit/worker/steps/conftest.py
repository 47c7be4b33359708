"""An event loop, and the handler of a:work run on it."""

from collections.abc import Iterator
from typing import Any

import pytest

from questline_persistence.claims import Outcome
from questline_worker.steps import EventLoop, Execution, RunningStep
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim, run_to_end
from tests.unit.worker.steps.outcomes import Run


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop()
    yield loop
    loop.stop()


@pytest.fixture
def run(bench: Workbench, loop: EventLoop, make_claim: MakeClaim) -> Run:
    """A function that runs the handler of a:work for a claim, whose fields may be given."""
    execution = Execution(bench.repository)

    def run(*, held: bool = True, **changed: Any) -> Outcome:
        step = RunningStep(make_claim(**changed), lambda _: held)
        if not held:
            step.lose()
        return run_to_end(execution, step, loop)

    return run
