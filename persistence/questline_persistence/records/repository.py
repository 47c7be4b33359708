"""The records: everything that is read about quests, and quests that a program keeps by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, select

from questline_persistence import arguments, schema, settings
from questline_persistence.arguments import (
    Moment,
    mapping,
    moment,
    several,
    sought,
    text,
    text_or_none,
    whole,
    wrong_type,
)
from questline_persistence.controls import MAX_AT_ONCE, Removal
from questline_persistence.errors import PayloadError, QuestNotFound, suggestion
from questline_persistence.ids import is_possible, not_found
from questline_persistence.journal import history
from questline_persistence.models import LordRun, LordStep, QuestExecutionData, Snapshot, as_step
from questline_persistence.records import saving, short_ids, statistics
from questline_persistence.records.filters import QuestFilter, after, statuses_of, write_cursor
from questline_persistence.records.ticket_view import TicketView
from questline_persistence.records.views import listed_quests, quest_row, run_view, snapshot_view, whole_quest
from questline_persistence.recovery import Counters
from questline_persistence.schema import quests, runs, snapshots, tickets
from questline_persistence.states import TERMINAL, ExecutionStatus, RunStatus, SnapshotReason, TicketState
from questline_persistence.step_names import StepName
from questline_persistence.store import Database

Word = TypeVar("Word", bound=StrEnum)

#: Most items on one page of a list.
MAX_PAGE = 1_000
#: Most runs or snapshots on one page, and most quests that one filter reaches at a time.
MAX_HISTORY = 10_000
#: Largest offset of a list; to go further, use a cursor, which costs less.
MAX_OFFSET = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some quests of a list.

    Parameters:
      items: the quests, newest first.
      next_cursor: where the next page begins; None where this is the last one.
    """

    items: list[QuestExecutionData]
    next_cursor: str | None = None


class QuestRepository:
    """Reads and keeps the quests of one namespace.

    Parameters:
      database: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`.
      namespace: the tenant; nothing of any other is ever seen.
      auto_migrate: whether an old PostgreSQL schema may be migrated; SQLite always is.

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
    ) -> None:
        self._owned = not isinstance(database, Database)
        self.database = database if isinstance(database, Database) else _opened(database)
        self.namespace = text(namespace, "namespace")
        self._removal = Removal(self.database, namespace)
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

    # Quests

    def save_quest(self, quest_data: QuestExecutionData) -> None:
        """Store a quest that this program keeps itself, or bring the stored one up to date.

        Each call adds a snapshot. A quest that was submitted to workers is theirs to write.

        Parameters:
          quest_data: the quest, with everything that the store is to keep of it.

        Raises:
          QuestConflict: workers hold the quest, or its id is used in another namespace.
          PayloadError: it is not JSON, too large, or has never had a step.
        """
        if not isinstance(quest_data, QuestExecutionData):
            raise wrong_type(quest_data, "quest_data", "a Quest", _QUEST_HINT)
        mapping(quest_data.run_data, "run_data", _RUN_DATA_HINT)

        def work(connection: Connection) -> None:
            now, limits = self.database.clock.now(), self.database.limits
            saving.save(connection, quest_data, namespace=self.namespace, now=now, limits=limits)

        self.database.write(work, at="save", repeatable=False)

    def load_quest(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its whole `run_data`, its steps and the rest of its stack.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: its outputs together are larger than `QUESTLINE_MAX_STATE_BYTES` lets be loaded.
        """

        def work(connection: Connection) -> QuestExecutionData:
            row = quest_row(connection, self.namespace, quest_id)
            if row is None:
                raise not_found(quest_id)
            return whole_quest(connection, row, limit=self.database.limits.state)

        return self.database.read(work)

    def status(self, quest_id: str) -> ExecutionStatus:
        """Return a quest's status alone, with one look-up by key.

        Raises:
          QuestNotFound: there is no such quest.
        """
        if not is_possible(quest_id):
            raise not_found(quest_id)
        query = select(quests.c.status).where(quests.c.quest_id == quest_id, quests.c.namespace == self.namespace)
        found = self.database.read(lambda connection: connection.execute(query).scalar())
        if found is None:
            raise not_found(quest_id)
        return ExecutionStatus(found)

    def glance(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its progress, but without its outputs and steps, as in a list.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
        """

        def work(connection: Connection) -> QuestExecutionData:
            row = quest_row(connection, self.namespace, quest_id)
            if row is None:
                raise not_found(quest_id)
            return listed_quests(connection, [row])[0]

        return self.database.read(work)

    def tickets(self, quest_id: str) -> list[TicketView]:
        """Return what a quest may run now, runs or waits to run, by position."""
        if not is_possible(quest_id):
            return []
        query = (
            select(*(tickets.c[each.name] for each in fields(TicketView)))
            .where(tickets.c.quest_id == quest_id, tickets.c.namespace == self.namespace)
            .order_by(tickets.c.position)
        )
        rows = self.database.read(lambda connection: connection.execute(query).all())
        return [TicketView(**{**row._asdict(), "state": TicketState(row.state)}) for row in rows]

    def delete_quest(self, quest_id: str) -> bool:
        """Remove an ended quest, its runs and its snapshots; return whether it was there.

        Raises:
          QuestConflict: the quest is live; cancel it first.
        """
        return self._removal.delete(quest_id)

    def prune(
        self,
        end_time: Moment,
        status: ExecutionStatus | str | Sequence[ExecutionStatus | str],
        *,
        limit: int = MAX_AT_ONCE,
    ) -> list[str]:
        """Remove quests that ended before `end_time`, oldest first; return the ids of those removed.

        Parameters:
          end_time: epoch seconds, a datetime, or ISO 8601 text.
          status: how they ended, one status or several; those in which no quest ends are left alone.
          limit: at most this many; a call removes no more than 200. Call again until nothing is left.

        Raises:
          PayloadError: a time that is none, or an unknown status.
        """
        chosen = statuses_of(status)
        return self._removal.prune(moment(end_time, "end_time"), chosen, limit=whole(limit, "limit", least=1))

    def list_quests(
        self,
        status: ExecutionStatus | str | Sequence[ExecutionStatus | str] | None = None,
        limit: int = 100,
        offset: int = 0,
        **filters: Any,
    ) -> list[QuestExecutionData]:
        """Return quests, newest first, without their outputs and steps (`load_quest` gives those).

        Parameters:
          status: one status, several, or None for all.
          limit: at most this many, 1 to 1,000.
          offset: leave out this many at the beginning; `page` with a cursor costs less far into a list.
          filters: `quest_type`, `labels`, `since`, `until`, `queue`, `error` as in `QuestFilter`.

        Raises:
          PayloadError: an unknown status or filter, or a limit out of range.
        """
        return self.page(QuestFilter(status, **filters), limit=limit, offset=offset).items

    def page(
        self, chosen: QuestFilter | None = None, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> Page:
        """Return one page of the quests that `chosen` means, newest first.

        Parameters:
          chosen: which quests; None means all.
          limit: at most this many, 1 to 1,000.
          offset: leave out this many at the beginning, 0 to 100,000.
          cursor: the `next_cursor` of the page before; it costs less than an offset.

        Raises:
          PayloadError: a limit or offset out of range, or a cursor that no page has given.

        Example:
          page = repository.page(QuestFilter(quest_type="report"), limit=100)
          following = repository.page(QuestFilter(quest_type="report"), limit=100, cursor=page.next_cursor)
        """
        _refuse_page(limit, MAX_PAGE)
        if not 0 <= whole(offset, "offset", most=None) <= MAX_OFFSET:
            raise PayloadError(f"offset must be 0 to {MAX_OFFSET:,}, not {offset}", hint="go on with the page's cursor")
        conditions = [quests.c.namespace == self.namespace, *self._conditions(chosen or QuestFilter())]
        if cursor is not None:
            conditions.append(after(cursor))
        newest = (quests.c.created_at.desc(), quests.c.quest_id.desc())
        query = select(quests).where(*conditions).order_by(*newest).limit(limit + 1).offset(offset)

        def work(connection: Connection) -> Page:
            rows = list(connection.execute(query))
            items = listed_quests(connection, rows[:limit])
            more = len(rows) > limit
            return Page(items, write_cursor(rows[limit - 1].created_at, rows[limit - 1].quest_id) if more else None)

        return self.database.read(work)

    def matching(self, chosen: QuestFilter, *, limit: int = MAX_HISTORY) -> list[str]:
        """Return the ids of the quests that `chosen` means, oldest first.

        Parameters:
          chosen: which quests.
          limit: at most this many.
        """
        query = (
            select(quests.c.quest_id)
            .where(quests.c.namespace == self.namespace, *self._conditions(chosen))
            .order_by(quests.c.created_at, quests.c.quest_id)
            .limit(whole(limit, "limit", least=1))
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def _conditions(self, chosen: QuestFilter) -> list[ColumnElement[bool]]:
        """Return what a filter means here, or raise PayloadError where it is none."""
        if not isinstance(chosen, QuestFilter):
            raise wrong_type(chosen, "chosen", "a QuestFilter", 'such as QuestFilter("failed")')
        return chosen.conditions(self.database.dialect)

    def ended_before(
        self,
        end_time: Moment,
        status: ExecutionStatus | str | Sequence[ExecutionStatus | str],
        *,
        limit: int = MAX_PAGE,
    ) -> list[str]:
        """Return the ids of quests that ended before `end_time`, oldest first.

        Parameters:
          end_time: epoch seconds, a datetime, or ISO 8601 text.
          status: how they ended, one status or several; those in which no quest ends are left out.
          limit: at most this many.

        Raises:
          PayloadError: a time that is none, or an unknown status.
        """
        before, ended = moment(end_time, "end_time"), TERMINAL.intersection(statuses_of(status))
        query = (
            select(quests.c.quest_id)
            .where(
                quests.c.namespace == self.namespace,
                quests.c.status.in_(sorted(ended)),
                quests.c.end_time < before,
            )
            .order_by(quests.c.end_time)
            .limit(whole(limit, "limit", least=1))
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def full_id(self, text: str) -> str:
        """Return the id that `text` means.

        Parameters:
          text: a whole id, the beginning or end of only one quest's, "@last" for the newest quest, or "@last:TYPE".

        Raises:
          QuestNotFound: no quest, or several, are meant.
        """
        text = arguments.text(text, "an id")
        return self.database.read(lambda connection: short_ids.resolve(connection, self.namespace, text))

    # Runs and snapshots

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
        record = saving.RunRecord(
            quest_id=quest_id,
            lord_name=text(lord_name, "lord_name"),
            tool_name=text(tool_name, "tool_name"),
            run_index=whole(run_index, "run_index"),
            status=_one_of(RunStatus, status),
            start_time=self.database.clock.now() if start_time is None else moment(start_time, "start_time"),
            end_time=None if end_time is None else moment(end_time, "end_time"),
            input_data={} if input_data is None else input_data,
            output_data=output_data,
            error_message=text_or_none(error_message, "error_message"),
            attempt_number=whole(attempt_number, "attempt_number"),
            max_attempts=whole(max_attempts, "max_attempts"),
        )

        def work(connection: Connection) -> int:
            now, limits = self.database.clock.now(), self.database.limits
            return saving.save_run(connection, record, namespace=self.namespace, now=now, limits=limits)

        return self.database.write(work, at="save", repeatable=False)

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
        outputs = None if run_data is None else mapping(run_data, "run_data", _RUN_DATA_HINT)
        stack = None if execution_stack is None else _stack(execution_stack)

        def work(connection: Connection) -> int:
            return saving.save_snapshot(
                connection,
                quest_id,
                outputs,
                stack,
                _one_of(SnapshotReason, snapshot_reason),
                namespace=self.namespace,
                now=self.database.clock.now(),
                limits=self.database.limits,
            )

        return self.database.write(work, at="save", repeatable=False)

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
        if version is not None:
            whole(version, "version", "give the number of a version, such as 7 for v7")

        def work(connection: Connection) -> Snapshot:
            self._require(connection, quest_id)
            row = history.snapshot_row(connection, quest_id, version)
            return snapshot_view(connection, row, limit=self.database.limits.state)

        return self.database.read(work)

    def runs(self, quest_id: str, *, limit: int | None = None, after: int = 0) -> list[LordRun]:
        """Return the attempts of a quest's steps, in the order in which they were recorded.

        Parameters:
          limit: at most this many, 1 to 10,000; None means all.
          after: only runs behind the one of this `run_id`, to go on behind a page.

        Raises:
          QuestNotFound: there is no such quest.
          PayloadError: a limit out of range.
        """
        if limit is not None:
            _refuse_page(limit, MAX_HISTORY)
        mine = (runs.c.quest_id == quest_id, runs.c.run_id > whole(after, "after", "give the run_id of a run"))

        def work(connection: Connection) -> list[LordRun]:
            self._require(connection, quest_id)
            query = select(runs).where(*mine).order_by(runs.c.run_id).limit(limit)
            return [run_view(row) for row in connection.execute(query)]

        return self.database.read(work)

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
        if limit is not None:
            _refuse_page(limit, MAX_HISTORY)
        behind = whole(after, "after", "give the version of a snapshot")
        mine = (snapshots.c.quest_id == quest_id, snapshots.c.version > behind)
        shown = ("snapshot_id", "quest_id", "version", "epoch", "position", "snapshot_reason", "created_at")

        def work(connection: Connection) -> list[dict[str, Any]]:
            self._require(connection, quest_id)
            columns = [snapshots.c[name] for name in (*shown, "parent_version")]
            query = select(*columns).where(*mine).order_by(snapshots.c.version).limit(limit)
            return [dict(row) for row in connection.execute(query).mappings()]

        return self.database.read(work)

    def outputs_at(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return all outputs that a quest had at `version` of `epoch`."""
        limit = self.database.limits.state
        return self.database.read(
            lambda connection: history.run_data_at(connection, quest_id, epoch, version, limit=limit)
        )

    def output(self, quest_id: str, epoch: int, version: int, lord_name: str) -> str | None:
        """Return the newest output of one Lord within an epoch, as JSON text, or None; reads no other."""
        return self.database.read(lambda connection: history.output_of(connection, quest_id, epoch, version, lord_name))

    def outputs_of(self, quest_id: str, epoch: int, version: int, lord_name: str) -> list[Any]:
        """Return every output of one Lord that a quest had at `version` of `epoch`, in order; reads no other."""
        limit = self.database.limits.state
        return self.database.read(
            lambda connection: history.all_outputs_of(connection, quest_id, epoch, version, lord_name, limit=limit)
        )

    def inherited(self, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
        """Return the outputs that an epoch began with."""
        return self.database.read(lambda connection: history.base_data(connection, quest_id, epoch, version))

    # Statistics

    def get_quest_stats(self) -> dict[str, Any]:
        """Return how many quests there are of each status, and how long the newest took in seconds.

        The keys are `total_quests`, the statuses, and `avg_duration_seconds`, `max_duration_seconds`,
        `min_duration_seconds`. Counts end at 100,000 quests of a status; durations are those of the newest 5,000
        quests.
        """
        return self.database.read(lambda connection: statistics.quest_stats(connection, self.namespace))

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
        name = sought(lord_name, "lord_name")
        return self.database.read(lambda connection: statistics.lord_stats(connection, self.namespace, name))

    def live_handlers(self) -> dict[str, int]:
        """Return which Lords ("lord:tool") live quests need next, and how many quests wait for each."""
        return self.database.read(lambda connection: statistics.live_handlers(connection, self.namespace))

    def _require(self, connection: Connection, quest_id: str) -> None:
        if quest_row(connection, self.namespace, quest_id) is None:
            raise not_found(quest_id)


_QUEST_HINT = "make it with Quest(…); QuestClient.submit takes an object as in a quest file, too"
_RUN_DATA_HINT = 'it maps Lords to their outputs, as in {"architect": {"modules": []}}'


def _stack(given: object) -> list[LordStep]:
    """Return the steps that somebody gave as a stack, or raise PayloadError where they are none."""
    steps = several(given, "execution_stack", "a list of steps", 'such as ["architect:design_system"]')
    return [as_step(step) for step in steps]


def _one_of(kind: type[Word], word: str) -> Word:
    """Return the member of an enumeration that a word means.

    Raises:
      PayloadError: it means none.
    """
    try:
        return kind(word)
    except ValueError:
        raise PayloadError(f"{word!r:.100} is no {kind.__name__}", hint=suggestion(word, kind, kind="words")) from None


def _refuse_page(limit: int, most: int) -> None:
    if not 1 <= whole(limit, "limit", most=None) <= most:
        raise PayloadError(f"limit must be 1 to {most:,}, not {limit}", hint="go on behind a page for more")


def _opened(url: str | Path) -> Database:
    chosen = settings.load()
    return Database(url, limits=chosen.limits, pooler=chosen.database_pooler)
