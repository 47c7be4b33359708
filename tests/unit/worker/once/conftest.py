"""One step, attempted again and again by handlers that make calls once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from questline_persistence.claims import Outcome, Succeeded
from questline_persistence.payload import decode
from questline_worker.lords import LordContext, lord, lords
from questline_worker.steps import EventLoop, Execution, RunningStep
from tests.contract.quests import Workbench, failure
from tests.unit.worker.conftest import run_to_end
from tests.unit.worker.steps.outcomes import failure as failed

#: A handler of one attempt, as it is registered for a:work.
Handler = Callable[[LordContext], Any]


class Attempts:
    """The attempts of one step. Each that does not succeed is followed by the next.

    Parameters:
      bench: where the step's quest is.
      loop: runs async handlers.
    """

    def __init__(self, bench: Workbench, loop: EventLoop) -> None:
        self.bench = bench
        self.quest_id = bench.submit("a")
        self.claim = bench.claim(self.quest_id)
        self.step = self._running()
        #: The names of the functions that were called, in their order, whatever became of the attempt.
        self.called: list[str] = []
        self._loop = loop
        self._execution = Execution(bench.repository)

    def _running(self) -> RunningStep:
        return RunningStep(self.claim, lambda _: True, record=self.bench.journal.record_once)

    def make(self, name: str, result: Any = None) -> Callable[[], Any]:
        """Return a function that tells when it is called."""

        def function() -> Any:
            self.called.append(name)
            return name if result is None else result

        return function

    def run(self, handler: Handler) -> Outcome:
        """Make an attempt, and the claim on the next one if it does not succeed."""
        lords._HANDLERS.clear()
        lord("a", "work")(handler)
        outcome = run_to_end(self._execution, self.step, self._loop)
        if not isinstance(outcome, Succeeded):
            self.again()
        return outcome

    def again(self) -> None:
        """Give up the claim, and claim the step anew."""
        self.bench.journal.fail(failure(self.claim))
        self.claim = self.bench.claim(self.quest_id)
        self.step = self._running()

    def output(self, handler: Handler) -> Any:
        """Return the output of an attempt, which must succeed."""
        outcome = self.run(handler)
        assert isinstance(outcome, Succeeded), outcome
        return decode(outcome.output)

    def error(self, handler: Handler) -> str:
        """Return the error of an attempt, which must fail."""
        return failed(self.run(handler)).error

    def refused(self, handler: Handler) -> str:
        """Return the error of an attempt, which must fail for good."""
        outcome = failed(self.run(handler))
        assert outcome.retry_in is None, "the step would be tried again"
        return outcome.error


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop()
    yield loop
    loop.stop()


@pytest.fixture
def attempts(bench: Workbench, loop: EventLoop) -> Attempts:
    return Attempts(bench, loop)
