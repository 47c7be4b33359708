"""What every storage of runs can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from questline_persistence.memory.models import RunRecord, RunSummary

#: How many runs a page of a list has, unless told otherwise.
PAGE = 20


class Storage(ABC):
    """Keeps plans, executions and runs: it decides nothing, and changes nothing that it keeps.

    Parameters of its methods:
      plan_result: the plan, as the planner gave it: a JSON object, or a model or dataclass that is one. It, or its
        `plan`, has the `plan_id`, and says what is to be achieved as `objective`, `goal` or `mission`.
      execution_result: what came of it, as the executor gave it, in the same way. Its `success` is true or false.

    Raised by its methods:
      StorageError: the storage did not answer; nothing tries again.
    """

    @abstractmethod
    async def save_plan_result(self, plan_result: Any) -> None:
        """Record a plan whose execution may never be recorded; `get_run` of its `plan_id` finds it then.

        Raises:
          PayloadError: it is no JSON object, has no `plan_id`, or is too large.
        """

    @abstractmethod
    async def save_execution_result(self, execution_result: Any) -> None:
        """Record what came of a plan by itself; it names the plan by `plan_id`, and `get_run` of that finds it.

        Raises:
          PayloadError: it is no JSON object, has no `plan_id`, or is too large.
        """

    @abstractmethod
    async def save_run(self, plan_result: Any, execution_result: Any) -> str:
        """Record a run: a plan, and what came of it.

        Returns:
          The new `run_id`.

        Raises:
          PayloadError: one of them is no JSON object, lacks what a run is listed with, or is too large.
        """

    @abstractmethod
    async def get_run(self, run_id: str) -> RunRecord:
        """Return a run, whole.

        Parameters:
          run_id: the run. That of a quest is its `quest_id`; a `plan_id` finds what was recorded of the plan in parts.

        Raises:
          NotFoundError: there is no such run.
        """

    @abstractmethod
    async def list_runs(self, limit: int = PAGE, offset: int = 0) -> list[RunSummary]:
        """Return a page of the runs, newest first.

        Parameters:
          limit: at most this many, 1 to 100.
          offset: leave out this many at the beginning, 0 to 10,000.

        Raises:
          PayloadError: a limit or offset out of range.
        """
