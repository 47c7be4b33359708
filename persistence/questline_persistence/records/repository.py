"""The records: what is read about quests, and quests that a program keeps by itself, behind one public class.

Its parts do the work, each for one noun; they take the store that they are given, and read no settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from questline_persistence import schema
from questline_persistence.arguments import Moment, moment, text, whole
from questline_persistence.audit import Actor
from questline_persistence.controls import MAX_AT_ONCE, Removal
from questline_persistence.errors import QuestNotFound
from questline_persistence.models import LordRun, LordStep, QuestExecutionData, Snapshot
from questline_persistence.records.backlog import Backlog
from questline_persistence.records.kept_quests import KeptQuests
from questline_persistence.records.listing import Page, QuestFilter, QuestList, QuestSort, Statuses, statuses_of
from questline_persistence.records.quest_history import QuestHistory
from questline_persistence.records.statistics import Statistics
from questline_persistence.records.stored_quests import StoredQuests
from questline_persistence.records.ticket_view import TicketView
from questline_persistence.recovery import Counters
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason
from questline_persistence.step_names import StepName
from questline_persistence.store import Database, open_database


class QuestRepository:
    """Reads and keeps the quests of one namespace.

    Parameters:
      database: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`.
      namespace: the tenant; nothing of any other is ever seen.
      auto_migrate: whether an old PostgreSQL schema may be migrated; SQLite always is.
      actor: on whose behalf quests are removed, as the audit tells it; default: the user who runs this process.

    Parameters of its methods:
      quest_id: the quest's id.

    Raises:
      ConfigurationError: the URL or a setting is wrong, or the schema is not the one of this version.
      StoreUnavailable: the store cannot be reached.

    Raised by its methods:
      StoreUnavailable: the store did not answer.

    Example:
      with QuestRepository(".questline/questline.db") as repository:  # or "postgresql://…"
          failed = repository.list_quests("failed", limit=20)
    """

    def __init__(
        self,
        database: str | Path | Database = "questline.db",
        *,
        namespace: str = "default",
        auto_migrate: bool = False,
        actor: Actor | None = None,
    ) -> None:
        self._owned = not isinstance(database, Database)
        self.database = database if isinstance(database, Database) else open_database(database)
        self.namespace = text(namespace, "namespace")
        self._quests = StoredQuests(self.database, namespace)
        self.lists = QuestList(self.database, namespace)
        self._history = QuestHistory(self.database, namespace)
        self._kept = KeptQuests(self.database, namespace)
        self._removal = Removal(self.database, namespace, actor or Actor.of_process())
        self._statistics = Statistics(self.database, namespace)
        if self._owned:
            try:
                schema.ensure(self.database, auto_migrate=auto_migrate)
            except BaseException:
                self.database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if this repository opened them."""
        if self._owned:
            self.database.close()

    def save_quest(self, quest_data: QuestExecutionData) -> None:
        """Store a quest that this program keeps itself, or bring the stored one up to date.

        Each call adds a snapshot. A quest that was submitted to workers is theirs to write.

        Parameters:
          quest_data: the quest, with everything that the store is to keep of it.

        Raises:
          QuestConflict: workers hold the quest, or its id is used in another namespace.
          PayloadError: it is not JSON, too large, or has never had a step.
        """
        self._kept.save(quest_data)

    def load_quest(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its whole `run_data`, its steps and the rest of its stack.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: its outputs together are larger than `QUESTLINE_MAX_STATE_BYTES` lets be loaded.
        """
        return self._quests.load(quest_id)

    def status(self, quest_id: str) -> ExecutionStatus:
        """Return a quest's status alone, with one look-up by key.

        Raises:
          QuestNotFound: there is no such quest.
        """
        return self._quests.status(quest_id)

    def glance(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its progress, but without its outputs and steps, as in a list.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
        """
        return self._quests.glance(quest_id)

    def tickets(self, quest_id: str) -> list[TicketView]:
        """Return what a quest may run now, runs or waits to run, by position."""
        return self._quests.tickets(quest_id)

    def delete_quest(self, quest_id: str, *, reason: str | None = None) -> bool:
        """Remove an ended quest, its runs and its snapshots; return whether it was there.

        Parameters:
          reason: why; the audit keeps it.

        Raises:
          QuestConflict: the quest is live; cancel it first.
        """
        return self._removal.delete(quest_id, reason)

    def prune(
        self,
        end_time: Moment,
        status: Statuses,
        *,
        limit: int = MAX_AT_ONCE,
        quest_type: str | None = None,
        reason: str | None = None,
    ) -> list[str]:
        """Remove quests that ended before `end_time`, oldest first; return the ids of those removed.

        Parameters:
          end_time: epoch seconds, a datetime, or ISO 8601 text.
          status: how they ended, one status or several; those in which no quest ends are left alone.
          limit: at most this many; a call removes no more than 200. Call again until nothing is left.
          quest_type: only quests of this type.
          reason: why; the audit keeps it.

        Raises:
          PayloadError: a time that is none, or an unknown status.
        """
        before, chosen, most = moment(end_time, "end_time"), statuses_of(status), whole(limit, "limit", least=1)
        return self._removal.prune(before, chosen, limit=most, quest_type=quest_type, reason=reason)

    def list_quests(
        self,
        status: Statuses | None = None,
        limit: int = 100,
        offset: int = 0,
        *,
        sort: QuestSort | str = QuestSort.NEWEST,
        **filters: Any,
    ) -> list[QuestExecutionData]:
        """Return quests without their outputs and steps (`load_quest` gives those).

        Parameters:
          status: one status, several, or None for all.
          limit: at most this many, 1 to 1,000.
          offset: leave out this many at the beginning; `page` with a cursor costs less far into a list.
          sort: `newest` first, `oldest`, last `updated`, or longest `waiting` of those that have not ended.
          filters: `quest_type`, `labels`, `since`, `until`, `queue`, `error` as in `QuestFilter`.

        Raises:
          PayloadError: an unknown status, order or filter, or a limit out of range.
        """
        return self.page(QuestFilter(status, **filters), sort=sort, limit=limit, offset=offset).items

    def page(
        self,
        chosen: QuestFilter | None = None,
        *,
        sort: QuestSort | str = QuestSort.NEWEST,
        limit: int = 100,
        offset: int = 0,
        cursor: str | None = None,
    ) -> Page:
        """Return one page of the quests that `chosen` means.

        Parameters:
          chosen: which quests; None means all.
          sort: as of `list_quests`.
          limit: at most this many, 1 to 1,000.
          offset: leave out this many at the beginning, 0 to 100,000.
          cursor: the `next_cursor` of the page before; it costs less than an offset.

        Raises:
          PayloadError: a limit or offset out of range, or a cursor that no page has given.

        Example:
          page = repository.page(QuestFilter(quest_type="report"), limit=100)
          following = repository.page(QuestFilter(quest_type="report"), limit=100, cursor=page.next_cursor)
        """
        return self.lists.page(chosen, sort=sort, limit=limit, offset=offset, cursor=cursor)

    def full_id(self, text: str) -> str:
        """Return the id that `text` means.

        Parameters:
          text: a whole id, the beginning or end of only one quest's, "@last" for the newest quest, or "@last:TYPE".

        Raises:
          QuestNotFound: no quest, or several, are meant.
        """
        return self._quests.full_id(text)

    def save_lord_run(
        self,
        quest_id: str,
        lord_name: str,
        tool_name: str,
        *,
        run_index: int = 1,
        status: RunStatus | str = RunStatus.SUCCESS,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        input_data: Any = None,
        output_data: Any = None,
        error_message: str | None = None,
        attempt_number: int = 1,
        max_attempts: int = 1,
    ) -> int:
        """Add one attempt to the history of a quest that this program keeps itself; return its `run_id`.

        Parameters:
          lord_name: the Lord.
          tool_name: the tool.
          run_index: which step of this Lord it belongs to, from 1.
          status: how it ended.
          start_time: epoch seconds, a datetime, or ISO 8601 text; now, if not given.
          end_time: given like `start_time`, or None while it is not over.
          input_data: what it was given, as JSON.
          output_data: what it returned, as JSON.
          error_message: why it failed.
          attempt_number: which attempt it was, from 1.
          max_attempts: how many failures the step may have.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: workers hold the quest, and record its runs.
          PayloadError: a value is not JSON or too large, the status unknown, or the end before the start.
        """
        return self._kept.save_run(
            quest_id,
            lord_name,
            tool_name,
            run_index=run_index,
            status=status,
            start_time=start_time,
            end_time=end_time,
            input_data=input_data,
            output_data=output_data,
            error_message=error_message,
            attempt_number=attempt_number,
            max_attempts=max_attempts,
        )

    def save_snapshot(
        self,
        quest_id: str,
        run_data: Mapping[str, Any] | None = None,
        execution_stack: Sequence[LordStep | StepName] | None = None,
        snapshot_reason: SnapshotReason | str = SnapshotReason.CHECKPOINT,
    ) -> int:
        """Add a snapshot of a quest that this program keeps itself; return its `snapshot_id`.

        Parameters:
          run_data: the outputs to keep; the quest's own, if not given.
          execution_stack: what remains; the quest's own, if not given.
          snapshot_reason: why it is taken.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: workers hold the quest, and take its snapshots.
          PayloadError: a value is not JSON or too large, or the reason unknown.
        """
        return self._kept.save_snapshot(quest_id, run_data, execution_stack, snapshot_reason)

    def load_latest_snapshot(self, quest_id: str) -> Snapshot | None:
        """Return the newest snapshot of a quest, whole, or None where there is no such quest.

        Raises:
          PayloadError: its outputs together are larger than `QUESTLINE_MAX_STATE_BYTES` lets be loaded.
        """
        try:
            return self.load_snapshot(quest_id)
        except QuestNotFound:
            return None

    def load_snapshot(self, quest_id: str, version: int | None = None) -> Snapshot:
        """Return the snapshot of a quest at a version, whole.

        Parameters:
          version: the version of its state; None means the newest.

        Raises:
          QuestNotFound: there is no such quest or version.
          PayloadError: its outputs together are larger than `QUESTLINE_MAX_STATE_BYTES` lets be loaded.
        """
        return self._history.snapshot(quest_id, version)

    def runs(self, quest_id: str, *, limit: int | None = None, after: int = 0) -> list[LordRun]:
        """Return the attempts of a quest's steps, in the order in which they were recorded.

        Parameters:
          limit: at most this many, 1 to 10,000; None means all.
          after: only runs behind the one of this `run_id`, to go on behind a page.

        Raises:
          QuestNotFound: there is no such quest.
          PayloadError: a limit out of range.
        """
        return self._history.runs(quest_id, limit=limit, after=after)

    def snapshots(self, quest_id: str, *, limit: int | None = None, after: int = -1) -> list[dict[str, Any]]:
        """Return what snapshots a quest has, oldest first, without their contents.

        Each is a dict of `snapshot_id`, `quest_id`, `version`, `epoch`, `position`, `snapshot_reason`, `created_at`
        and, of a replay, `parent_version`: the version that it goes back to.

        Parameters:
          limit: at most this many, 1 to 10,000; None means all.
          after: only snapshots behind that of this version, to go on behind a page.

        Raises:
          QuestNotFound: there is no such quest.
          PayloadError: a limit out of range.
        """
        return [head.to_json() for head in self._history.snapshots(quest_id, limit=limit, after=after)]

    def outputs_at(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return all outputs that a quest had at `version` of `epoch`."""
        return self._history.outputs_at(quest_id, epoch, version)

    def output(self, quest_id: str, epoch: int, version: int, lord_name: str) -> str | None:
        """Return the newest output of one Lord within an epoch, as JSON text, or None; reads no other."""
        return self._history.output(quest_id, epoch, version, lord_name)

    def outputs_of(self, quest_id: str, epoch: int, version: int, lord_name: str) -> list[Any]:
        """Return every output of one Lord that a quest had at `version` of `epoch`, in order; reads no other."""
        return self._history.outputs_of(quest_id, epoch, version, lord_name)

    def inherited(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return the outputs that an epoch began with."""
        return self._history.inherited(quest_id, epoch, version)

    def get_quest_stats(self) -> dict[str, Any]:
        """Return how many quests there are of each status, and how long the newest took in seconds.

        The keys are `total_quests`, the statuses, and `avg_duration_seconds`, `max_duration_seconds`,
        `min_duration_seconds`. Counts end at 100,000 quests of a status; durations are those of the newest 5,000
        quests.
        """
        return self._statistics.quests().to_json()

    def get_counters(self) -> dict[str, int]:
        """Return how often, in all, workers were lost, steps freed, late results dropped and wake-ups sent again."""
        return Counters(self.database, self.namespace).totals()

    def get_lord_stats(self, lord_name: str | None = None) -> list[dict[str, Any]]:
        """Return, per Lord and tool, how its newest attempts went; `success_rate` is in percent, durations in seconds.

        Of each Lord, 1,000 attempts are looked at. The keys are `lord_name`, `tool_name`, `total_runs`, `successful`,
        `errors`, `success_rate` (None where no attempt succeeded or failed by itself), and `avg_duration_seconds`,
        `max_duration_seconds`, `min_duration_seconds`.

        Parameters:
          lord_name: only this Lord; None means all.
        """
        return [each.to_json() for each in self._statistics.lords(lord_name)]

    def live_handlers(self) -> dict[str, int]:
        """Return which Lords ("lord:tool") live quests need next, and how many quests wait for each."""
        return Backlog(self.database, self.namespace).needed_handlers()
