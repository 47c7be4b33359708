"""Runs one attempt of one step, with a made-up quest around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from questline_persistence.costs import Cost, Costs
from questline_persistence.errors import PayloadError
from questline_persistence.ids import is_name
from questline_persistence.models import LordStep, QuestExecutionData, as_step
from questline_persistence.records import QuestRepository
from questline_persistence.step_log import StepLog
from questline_persistence.step_names import StepName, names_of
from questline_scheduler.step_defaults import complete
from questline_worker.lords import LordContext, Retry, replaced
from questline_worker.testing.outcome import Outcome
from questline_worker.testing.staged_executor import StagedExecutor, awaited

#: The Lord and the tool of a function that bears no names.
_LORD, _TOOL = "tested", "function"


def run_step(
    function: LordStep | StepName,
    *,
    input_data: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    attempt: int = 1,
    store: QuestRepository | None = None,
) -> Outcome:
    """Run one attempt of one step in this process, as a worker would, and return what came of it.

    The quest around it is made up, and kept in memory. What the Lord raises does not come out of this call: the
    outcome tells of it.

    Parameters:
      function: what to run: a Lord's function, whether or not it is registered; `"lord:tool"`, or a `LordStep` with
        options, for one that is.
      input_data: the quest's input.
      params: the step's own parameters.
      outputs: what earlier Lords have returned, by their names.
      attempt: which attempt it is to be; those before it have failed.
      store: where the quest is kept; by default a store in memory that nobody else sees.

    Raises:
      PayloadError: what is given is not JSON, names no step, or the step has no such attempt.
      ConfigurationError: the function cannot run steps.

    Example:
      outcome = run_step(design_system, input_data={"service": "billing"}, outputs={"analyst": {"users": 3}})
      assert outcome.output["modules"] == ["api", "storage"]
    """
    with _known(function) as step:
        (whole,) = complete([step if params is None else step.model_copy(update={"params": {**params}})])
        if not 1 <= attempt <= whole.max_attempts:
            message = f"a step with max_attempts={whole.max_attempts} has no attempt {attempt}"
            raise PayloadError(message, hint="give a LordStep with as many max_attempts")
        quest = QuestExecutionData(quest_type="test", input_data={**(input_data or {})}, execution_stack=[whole])
        return _attempted(quest, whole.handler, outputs or {}, attempt, store)


def _attempted(
    quest: QuestExecutionData, handler: str, outputs: Mapping[str, Any], attempt: int, store: QuestRepository | None
) -> Outcome:
    """Run one attempt of a quest's only step, after those before it have failed."""
    repository = store or QuestRepository(":memory:")
    close = repository.close if store is None else None
    try:
        with StagedExecutor(repository=repository) as executor:
            executor.keep(quest, outputs)
            if attempt > 1:
                with replaced(handler, _fail):
                    awaited(executor.attempt(quest, attempt - 1))
            stopped = awaited(executor.attempt(quest, 1))
            lines = StepLog(repository.database, repository.namespace).page(quest.quest_id).items
            costs = Costs(repository.database, repository.namespace).of_quest(quest.quest_id)
            spent = sum((each.cost for each in costs), Cost())
            return Outcome(*executor.last_end, stopped, lines=lines, spent=spent, repository=repository, close=close)
    except BaseException:
        if close is not None:
            close()
        raise


def _fail(_ctx: LordContext) -> None:
    raise Retry("an attempt before the one under test", after=0)


@contextmanager
def _known(function: LordStep | StepName) -> Iterator[LordStep]:
    """Have a step's function run it for as long as the block lasts, and give the step."""
    if isinstance(function, LordStep | str) or not callable(function):
        yield as_step(function)
        return
    step = as_step(function) if names_of(function) else LordStep(_LORD, _tool(function))
    with replaced(step.handler, function):
        yield step


def _tool(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    return name if is_name(name) else _TOOL
