"""The run history, as programs come to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from questline_persistence.arguments import MAX_KEY, flaw_of, text, whole
from questline_persistence.errors import NotFound, PayloadError, QuestlineError
from questline_persistence.log import get_logger
from questline_persistence.memory.door import AsyncDoor
from questline_persistence.memory.models import RunRecord, RunSummary
from questline_persistence.memory.runs import kept_runs, quest_runs
from questline_persistence.memory.runs.given import Given
from questline_persistence.memory.runs.kept_runs import Part
from questline_persistence.memory.runs.newest_runs import newest_runs
from questline_persistence.memory.runs.storage import PAGE, Storage
from questline_persistence.memory.trying import trying
from questline_persistence.store import Database
from questline_persistence.writes import Enters

#: Most runs on one page of a list.
MAX_PAGE = 100
#: Largest offset of a list.
MAX_OFFSET = 10_000

log = get_logger(__name__)


class RunHistory(AsyncDoor, Storage):
    """Every quest as a run, and beside them the runs that were executed elsewhere and recorded here.

    A quest is shown by a mapping of what is stored of it already. Its `plan_id` is `QUEST:EPOCH`; its objective is the
    `objective`, `goal` or `mission` of its input, else its type. The history is passive: it writes down what it is
    given, by one try, and no quest runs differently for it. Nothing connects before the first call.

    Parameters:
      url: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`; None means the
        one that the settings name.
      namespace: the tenant; None means the one that the settings name.

    Parameters of its methods:
      plan_result: the plan, as the planner gave it: a JSON object, or a model or dataclass that is one. It, or its
        `plan`, has the `plan_id`, and says what is to be achieved as `objective`, `goal` or `mission`.
      execution_result: what came of it, as the executor gave it, in the same way. Its `success` is true or false.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: the namespace is no text.

    Raised by its methods:
      StorageError: the storage did not answer; nothing tries again.

    Example:
      async with RunHistory("runs.db") as history:
          plan = {"plan_id": "p1", "objective": "Read the file README.md"}
          run_id = await history.save_run(plan, {"plan_id": "p1", "success": True})
          record = await history.get_run(run_id)
          newest = await history.list_runs(limit=10)
    """

    def __init__(self, url: str | Path | Database | None = None, *, namespace: str | None = None) -> None:
        super().__init__(url, namespace=namespace)

    async def save_plan_result(self, plan_result: Any) -> None:
        """Record a plan by itself, as `Storage.save_plan_result` does.

        Raises:
          PayloadError: it is no JSON object, has no `plan_id`, or is too large.
        """
        await self._call(self._save_part, Part.PLAN, plan_result)

    async def save_execution_result(self, execution_result: Any) -> None:
        """Record what came of a plan by itself, as `Storage.save_execution_result` does.

        Raises:
          PayloadError: it is no JSON object, has no `plan_id`, or is too large.
        """
        await self._call(self._save_part, Part.EXECUTION, execution_result)

    async def save_run(self, plan_result: Any, execution_result: Any) -> str:
        """Record a run and return its `run_id`, as `Storage.save_run` does.

        Raises:
          PayloadError: one of them is no JSON object, lacks what a run is listed with, or is too large.
        """
        return await self._call(self._save_run, plan_result, execution_result)

    async def get_run(self, run_id: str) -> RunRecord:
        """Return a run, whole, as `Storage.get_run` does.

        Raises:
          NotFoundError: there is no such run.
        """
        return await self._call(self._get_run, text(run_id, "run_id"))

    async def list_runs(self, limit: int = PAGE, offset: int = 0) -> list[RunSummary]:
        """Return a page of the runs, newest first, as `Storage.list_runs` does.

        Raises:
          PayloadError: a limit or offset out of range.
        """
        _refuse_beyond(limit, "limit", 1, MAX_PAGE)
        _refuse_beyond(offset, "offset", 0, MAX_OFFSET)
        return await self._call(self._list_runs, limit, offset)

    def _save_part(self, kind: Part, value: Any) -> None:
        with trying(f"save {kind}"):
            part = kept_runs.new_part(self._held, kind, self._given(value, f"{kind}_result"))
            self._enter(part)
        log.info("run_part_persisted", part=kind, plan_id=part.columns["plan_id"])

    def _save_run(self, plan_result: Any, execution_result: Any) -> str:
        with trying("save run"):
            plan, execution = self._given(plan_result, "plan_result"), self._given(execution_result, "execution_result")
            run = kept_runs.new_run(self._held, plan, execution)
            self._enter(run)
        log.info("run_persisted", run_id=run.entry_id, plan_id=plan.plan_id)
        return run.entry_id

    def _given(self, value: Any, what: str) -> Given:
        return Given.of(value, what, self._held.database.limits.memory)

    def _enter(self, entry: Enters) -> None:
        """Record an entry; log what keeps it from being recorded, and hand it on."""
        try:
            self._kept.enter_once(entry)
        except QuestlineError as error:
            part, plan_id = entry.columns.get("kind", "run"), entry.columns["plan_id"]
            log.warning("run_not_persisted", part=part, plan_id=plan_id, error=error.message)
            raise

    def _get_run(self, run_id: str) -> RunRecord:
        def work(connection: Connection, now: float) -> RunRecord | None:
            return (
                kept_runs.record(connection, kept, run_id, now)
                or quest_runs.record(connection, kept.namespace, run_id)
                or kept_runs.record_of_parts(connection, kept, run_id, now)
            )

        with trying("load run", run_id):
            kept = self._kept
            found = None if flaw_of(run_id, least=1, most=MAX_KEY) else kept.read(work)
            if found is None:
                raise NotFound("there is none", hint="list_runs names those that there are")
            return found

    def _list_runs(self, limit: int, offset: int) -> list[RunSummary]:
        with trying("list runs"):
            kept = self._kept
            return kept.read(lambda own, now: newest_runs(own, kept, now, limit=limit, offset=offset))


def _refuse_beyond(value: int, what: str, least: int, most: int) -> None:
    """Raise PayloadError unless a number lies within its bounds."""
    if not least <= whole(value, what, most=None) <= most:
        raise PayloadError(f"{what} must be {least} to {most:,}, not {value}")
