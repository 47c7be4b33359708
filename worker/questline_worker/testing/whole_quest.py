"""Runs a whole quest in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from questline_persistence.models import QuestExecutionData, as_step
from questline_persistence.records import QuestRepository
from questline_persistence.step_names import StepName
from questline_worker.executor import ExecutionHooks
from questline_worker.lords import LordContext, replaced
from questline_worker.testing.staged_executor import StagedExecutor


def run_quest(
    quest: QuestExecutionData | Mapping[str, Any],
    *,
    lords: Mapping[StepName, Any] | None = None,
    crash_at: StepName | None = None,
    hooks: ExecutionHooks | None = None,
    store: QuestRepository | None = None,
) -> QuestExecutionData:
    """Run a quest in this process until it stops, as workers would, and return it as it then is.

    Waits take no time: wherever the quest waits for its next attempt, the store's clock is moved on. A failed step does
    not raise: the quest's `status` and `error` tell.

    Parameters:
      quest: the quest, or its object as in a quest file.
      lords: what runs instead of some Lords, by `"lord:tool"` or their functions: a function like theirs, or else the
        output that they have.
      crash_at: a step, by `"lord:tool"`, its function or its position. The process dies at its end, once: what the
        handler did is done, nothing of it is stored, and the step runs again.
      hooks: functions to call as the quest goes on.
      store: a store in memory to keep the quest in; by default one that nobody else sees.

    Raises:
      PayloadError: the quest is malformed, or names a Lord that nobody knows.
      QuestConflict: it has come to a step whose Lord nobody knows, or waits again and again and does not end.
      ConfigurationError: what is to run instead of a Lord cannot, or the store is not in memory.
      AssertionError: it was to crash at a step which has not ended.

    Example:
      order = {"quest_type": "design_microservice", "input_data": {"service": "billing"}}
      quest = run_quest(order, lords={"forge_master:generate_code": {"files": 3}}, crash_at="architect:design_system")
      assert quest.run_data["forge_master"] == {"files": 3}
      assert [step.lost for step in quest.steps] == [1, 0]
    """
    with _replaced(lords or {}), StagedExecutor(hooks, store) as executor:
        if crash_at is not None:
            executor.crash_at(crash_at)
        ended = executor.run(quest)
        if crash_at is not None and not executor.crashed:
            raise AssertionError(f"no step has ended that is called {crash_at}, so nothing has crashed there")
        return ended


@contextmanager
def _replaced(lords: Mapping[StepName, Any]) -> Iterator[None]:
    """Have other functions run some Lords' steps for as long as the block lasts."""
    with ExitStack() as stack:
        for name, instead in lords.items():
            stack.enter_context(replaced(as_step(name).handler, instead if callable(instead) else _always(instead)))
        yield


def _always(output: Any) -> Callable[[LordContext], Any]:
    """Return a handler that has one output."""
    return lambda _: output
