"""What a quest has been through: the attempts of its steps, its snapshots, and the outputs that it had at a version."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Row, null, select

from questline_persistence.arguments import whole
from questline_persistence.journal import history
from questline_persistence.models import LordRun, LordStep, OnceCall, Snapshot, StepView
from questline_persistence.payload import decode
from questline_persistence.records.listing import refuse_limit
from questline_persistence.records.once_calls import calls_by_claim, calls_of_step
from questline_persistence.records.quest_view import quest_row, steps_of
from questline_persistence.records.snapshot_head import SnapshotHead
from questline_persistence.schema import opened, runs, snapshots
from questline_persistence.states import RunStatus, SnapshotReason
from questline_persistence.store import Database

#: Most runs or snapshots on one page.
MAX_HISTORY = 10_000
#: The columns of a run that may be large.
_CONTENTS = frozenset({"input_data", "output_data", "error_message"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[T]):
    """Some of what a quest has been through.

    Parameters:
      items: the attempts or snapshots, oldest first.
      next_cursor: where the next page begins; None if this is the last one.
    """

    items: list[T]
    next_cursor: str | None = None


class QuestHistory:
    """Reads what the quests of one namespace have been through.

    Parameters:
      database: the store.
      namespace: the tenant; a quest of another is not found.

    Parameters of its methods:
      quest_id: the quest's id.
      epoch: the replay number that is meant.
      version: the version of the quest's state within that epoch.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def runs(
        self,
        quest_id: str,
        *,
        limit: int | None = None,
        after: int = 0,
        positions: Collection[str] | None = None,
        contents: bool = True,
    ) -> list[LordRun]:
        """Return the attempts of a quest's steps, in the order in which they were recorded.

        Parameters:
          limit: at most this many, 1 to `MAX_HISTORY`; None means all.
          after: only runs behind the one of this `run_id`.
          positions: only runs of these steps; None means all.
          contents: whether with their inputs, outputs, errors and calls; else these are None, whatever they are.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: a limit out of range.
        """
        if limit is not None:
            refuse_limit(limit, MAX_HISTORY)
        mine = [runs.c.quest_id == quest_id, runs.c.run_id > whole(after, "after", "give the run_id of a run")]
        if positions is not None:
            mine.append(runs.c.position.in_(list(positions)))
        read = (null().label(each.name) if each.name in _CONTENTS and not contents else each for each in runs.c)
        query = select(*read).where(*mine).order_by(runs.c.run_id).limit(limit)

        def work(connection: Connection) -> list[LordRun]:
            quest_row(connection, self.namespace, quest_id)
            rows = connection.execute(query).all()
            claims = [row.claim_id for row in rows if row.claim_id] if contents else []
            calls = calls_by_claim(connection, quest_id, claims)
            return [_run(opened(connection, runs, row), calls.get((row.claim_id, row.epoch), [])) for row in rows]

        return self.database.read(work, shown=True)

    def calls(self, quest_id: str, epoch: int, position: str) -> list[OnceCall]:
        """Return what the calls of `ctx.once` in a step have returned, also in an attempt that has not ended.

        Parameters:
          position: the step's place in the stack.
        """
        return self.database.read(lambda connection: calls_of_step(connection, quest_id, epoch, position), shown=True)

    def runs_page(self, quest_id: str, *, limit: int, after: int | None = None) -> HistoryPage[LordRun]:
        """Return a page of the attempts, as `runs` does.

        Parameters:
          limit: at most this many, 1 to `MAX_HISTORY` - 1.
          after: the `next_cursor` of the page before; None begins with the first.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: a limit out of range.
        """
        found = self.runs(quest_id, limit=limit + 1, after=after or 0)
        return HistoryPage(found[:limit], str(found[limit - 1].run_id) if len(found) > limit else None)

    def snapshots_page(self, quest_id: str, *, limit: int, after: int | None = None) -> HistoryPage[SnapshotHead]:
        """Return a page of the snapshots without their contents, as `snapshots` does.

        Parameters:
          limit: at most this many, 1 to `MAX_HISTORY` - 1.
          after: the `next_cursor` of the page before; None begins with the first.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: a limit out of range.
        """
        found = self.snapshots(quest_id, limit=limit + 1, after=-1 if after is None else after)
        return HistoryPage(found[:limit], str(found[limit - 1].version) if len(found) > limit else None)

    def steps(self, quest_id: str) -> list[StepView]:
        """Return a quest's steps with their status, in their order, and read none of its outputs.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
        """
        return self.database.read(
            lambda connection: steps_of(connection, quest_row(connection, self.namespace, quest_id)), shown=True
        )

    def snapshots(self, quest_id: str, *, limit: int | None = None, after: int = -1) -> list[SnapshotHead]:
        """Return what snapshots a quest has, oldest first, without their contents.

        Parameters:
          limit: at most this many, 1 to `MAX_HISTORY`; None means all.
          after: only snapshots behind that of this version.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: a limit out of range.
        """
        if limit is not None:
            refuse_limit(limit, MAX_HISTORY)
        behind = whole(after, "after", "give the version of a snapshot")
        mine = (snapshots.c.quest_id == quest_id, snapshots.c.version > behind)
        shown = [snapshots.c[name] for name in SnapshotHead.names()]

        def work(connection: Connection) -> list[SnapshotHead]:
            quest_row(connection, self.namespace, quest_id)
            query = select(*shown).where(*mine).order_by(snapshots.c.version).limit(limit)
            return [_head(row) for row in connection.execute(query)]

        return self.database.read(work, shown=True)

    def snapshot(self, quest_id: str, version: int | None = None) -> Snapshot:
        """Return the snapshot of a quest at a version, whole.

        Parameters:
          version: the version of its state; None means the newest.

        Raises:
          QuestNotFound: there is no such quest or version.
          PayloadError: its outputs together are larger than the store's limit for what is read as a whole.
        """
        if version is not None:
            whole(version, "version", "give the number of a version, such as 7 for v7")

        def work(connection: Connection) -> Snapshot:
            quest_row(connection, self.namespace, quest_id)
            return self._whole(connection, history.snapshot_row(connection, quest_id, version))

        return self.database.read(work, shown=True)

    def step_at(self, quest_id: str, version: int) -> LordStep | None:
        """Return the step at which a quest went on from a version, as its plan has it; None where nothing remained.

        Raises:
          QuestNotFound: there is no such quest or version.
        """

        def work(connection: Connection) -> LordStep | None:
            quest_row(connection, self.namespace, quest_id)
            return next(iter(history.stack_of(connection, history.snapshot_row(connection, quest_id, version))), None)

        return self.database.read(work, shown=True)

    def _whole(self, connection: Connection, row: Row[Any]) -> Snapshot:
        """Return a snapshot with its outputs and its stack."""
        return Snapshot(
            snapshot_id=row.snapshot_id,
            quest_id=row.quest_id,
            version=row.version,
            epoch=row.epoch,
            position=row.position,
            snapshot_reason=row.snapshot_reason,
            run_data=history.run_data_at(
                connection, row.quest_id, row.epoch, row.version, limit=self.database.limits.state
            ),
            execution_stack=history.stack_of(connection, row),
            created_at=row.created_at,
        )

    def outputs_at(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return all outputs that a quest had at `version` of `epoch`, by the Lord's name.

        Raises:
          PayloadError: together they are larger than the store's limit for what is read as a whole.
        """
        limit = self.database.limits.state
        return self.database.read(
            lambda connection: history.run_data_at(connection, quest_id, epoch, version, limit=limit)
        )

    def output(self, quest_id: str, epoch: int, version: int, lord_name: str) -> str | None:
        """Return the newest output of one Lord within an epoch, as JSON text, or None; reads no other."""
        return self.database.read(lambda connection: history.output_of(connection, quest_id, epoch, version, lord_name))

    def outputs_of(self, quest_id: str, epoch: int, version: int, lord_name: str) -> list[Any]:
        """Return every output of one Lord that a quest had at `version` of `epoch`, in order; reads no other.

        Raises:
          PayloadError: together they are larger than the store's limit for what is read as a whole.
        """
        limit = self.database.limits.state
        return self.database.read(
            lambda connection: history.all_outputs_of(connection, quest_id, epoch, version, lord_name, limit=limit)
        )

    def inherited(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return the outputs that an epoch began with."""
        return self.database.read(lambda connection: history.base_data(connection, quest_id, epoch, version))


def _run(row: Row[Any], calls: list[OnceCall]) -> LordRun:
    """Return a row of the history as users see it."""
    values = {name: getattr(row, name) for name in LordRun.model_fields if name != "calls"}
    values["calls"] = tuple(calls)
    values["status"] = RunStatus(row.status)
    values["lost"] = bool(row.lost)
    values["input_data"] = None if row.input_data is None else decode(row.input_data)
    values["output_data"] = None if row.output_data is None else decode(row.output_data)
    return LordRun.model_construct(**values)


def _head(row: Row[Any]) -> SnapshotHead:
    return SnapshotHead(**{**row._asdict(), "snapshot_reason": SnapshotReason(row.snapshot_reason)})
