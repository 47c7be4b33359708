"""What a quest's state was at any version: the last base before it, and the results committed since.

Nothing here writes. A snapshot costs O(1) to take and one indexed range to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, or_, select

from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import LordStep
from questline_persistence.payload import DEFAULTS, Limit, decode, size_of
from questline_persistence.run_data import RunData, outputs_of, split, without
from questline_persistence.schema import opened, quests, runs, snapshots, steps
from questline_persistence.states import RunStatus

#: Outputs that are fetched at a time where all of them are read; a state beyond its limit is not read to its end.
FETCHED = 100

#: What is composed once: a state is read by several of these, and composing one takes as long as sending it.
_OF_QUEST, _OF_EPOCH = snapshots.c.quest_id == bindparam("quest_id"), snapshots.c.epoch == bindparam("epoch")
_OF_PLAN = steps.c.quest_id == bindparam("quest_id"), steps.c.epoch == bindparam("epoch")
_PLAN = select(steps).where(*_OF_PLAN).order_by(steps.c.position)
_PLAN_AT = _PLAN.where(steps.c.since_version <= bindparam("version"))
_SNAPSHOT = select(snapshots).where(_OF_QUEST, snapshots.c.version == bindparam("version"))
_NEWEST = select(snapshots).where(_OF_QUEST).order_by(snapshots.c.version.desc()).limit(1)
_BASE = _NEWEST.where(_OF_EPOCH, snapshots.c.version <= bindparam("version"), snapshots.c.run_data.is_not(None))
_PARENT = select(snapshots.c.parent_version).where(_OF_QUEST, _OF_EPOCH).order_by(snapshots.c.version).limit(1)
_CHANGED_INPUT = (
    select(snapshots.c.input_data, snapshots.c.version)
    .where(_OF_QUEST, _OF_EPOCH, snapshots.c.input_data.is_not(None))
    .limit(1)
)
_INPUT = select(quests.c.namespace, quests.c.quest_id, quests.c.input_data, quests.c.submitted_input).where(
    quests.c.quest_id == bindparam("quest_id")
)


@dataclass(frozen=True, slots=True)
class State:
    """A quest at one version: what it has, and what remains to be done."""

    quest_id: str
    version: int
    epoch: int
    position: str | None
    run_data: dict[str, Any]
    stack: list[LordStep]
    input_json: str


def step_of(row: Row[Any]) -> LordStep:
    """Return a row of the plan as a step."""
    return LordStep(
        row.lord_name,
        row.tool_name,
        params=decode(row.params),
        max_attempts=row.max_attempts,
        timeout_seconds=row.timeout_seconds,
        backoff_seconds=row.backoff_seconds,
        queue=row.queue,
    )


def columns(row: Row[Any]) -> dict[str, Any]:
    """Return a row as a dictionary."""
    return dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name)


def copied_step(row: Mapping[str, Any], *, to: str, epoch: int) -> dict[str, Any]:
    """Return a row of the plan as one of another epoch or quest, there from its start."""
    return {**row, "quest_id": to, "epoch": epoch, "since_version": 0}


def plan(connection: Connection, quest_id: str, epoch: int, *, version: int | None = None) -> list[Row[Any]]:
    """Return the rows of a quest's plan in order, as they were at `version` (default: as they are)."""
    whose = {"quest_id": quest_id, "epoch": epoch}
    query, values = (_PLAN, whose) if version is None else (_PLAN_AT, {**whose, "version": version})
    return [opened(connection, steps, row) for row in connection.execute(query, values)]


def snapshot_row(connection: Connection, quest_id: str, version: int | None = None) -> Row[Any]:
    """Return the row of the snapshot at `version`, or of the newest.

    Raises:
      QuestNotFound: there is no such snapshot.
    """
    found = (
        connection.execute(_NEWEST, {"quest_id": quest_id})
        if version is None
        else connection.execute(_SNAPSHOT, {"quest_id": quest_id, "version": version})
    )
    row = found.first()
    if row is None:
        what = "a snapshot" if version is None else f"snapshot v{version}"
        raise QuestNotFound(f"quest {quest_id} has no {what}", hint=f"run: questline snapshots {quest_id}")
    return opened(connection, snapshots, row)


def _base(connection: Connection, quest_id: str, epoch: int, version: int) -> Row[Any]:
    """Return the newest row of the epoch, up to `version`, that holds the whole `run_data`."""
    row = connection.execute(_BASE, {"quest_id": quest_id, "epoch": epoch, "version": version}).one()
    return opened(connection, snapshots, row)


def run_data_at(
    connection: Connection, quest_id: str, epoch: int, version: int, *, limit: Limit = DEFAULTS.state
) -> dict[str, Any]:
    """Return the outputs that a quest had at `version` of `epoch`.

    Raises:
      PayloadError: together they are larger than `limit`.
    """
    base = _base(connection, quest_id, epoch, version)
    run_data = RunData(decode(base.run_data))
    since = _successes(quest_id, epoch, version).where(runs.c.version > base.version)
    _add_all(connection, quest_id, since, run_data, size=size_of(base.run_data), limit=limit)
    return run_data.data


def _add_all(
    connection: Connection,
    quest_id: str,
    query: Select[*tuple[Any, ...]],
    run_data: RunData,
    *,
    size: int,
    limit: Limit,
) -> None:
    """Put the outputs that a query finds into `run_data`, which has `size` bytes by now, in the order of the steps."""
    in_order = query.order_by(runs.c.version)
    with connection.execute(in_order, execution_options={"yield_per": FETCHED}) as found:
        for row in found:
            output = opened(connection, runs, row).output_data
            size += size_of(output)
            if size > limit.size:
                message = f"the outputs of quest {quest_id} are {size:,} bytes of JSON or more"
                raise PayloadError(f"{message}; the limit is {limit.size:,}", hint=limit.advice)
            run_data.add(row.lord_name, row.run_index, decode(output))


def state_at(
    connection: Connection, quest_id: str, version: int | None = None, *, limit: Limit = DEFAULTS.state
) -> State:
    """Return the whole state of a quest at `version`, or now.

    Raises:
      PayloadError: its outputs together are larger than `limit`.
    """
    row = snapshot_row(connection, quest_id, version)
    return State(
        quest_id=quest_id,
        version=row.version,
        epoch=row.epoch,
        position=row.position,
        run_data=run_data_at(connection, quest_id, row.epoch, row.version, limit=limit),
        stack=stack_of(connection, row),
        input_json=_input_at(connection, quest_id, row.version),
    )


def stack_of(connection: Connection, row: Row[Any]) -> list[LordStep]:
    """Return what remained of the plan at a snapshot."""
    if row.execution_stack is not None:
        return [LordStep(**step) for step in decode(row.execution_stack)]
    if row.position is None:
        return []
    rows = plan(connection, row.quest_id, row.epoch, version=row.version)
    return [step_of(step) for step in rows if step.position >= row.position]


def lineage(connection: Connection, quest_id: str, version: int) -> Iterator[tuple[int, int]]:
    """Yield (epoch, newest version of it that counts) from `version` back to the quest's beginning."""
    limit: int | None = version
    while limit is not None:
        epoch = snapshot_row(connection, quest_id, limit).epoch
        yield epoch, limit
        limit = connection.execute(_PARENT, {"quest_id": quest_id, "epoch": epoch}).scalar_one()


def _input_at(connection: Connection, quest_id: str, version: int) -> str:
    """Return the input as it was at `version`: as the last replay before it left it, or as submitted."""
    for epoch, _ in lineage(connection, quest_id, version):
        changed = connection.execute(_CHANGED_INPUT, {"quest_id": quest_id, "epoch": epoch}).first()
        if changed is not None:
            return str(opened(connection, snapshots, changed, quest_id=quest_id).input_data)
    row = opened(connection, quests, connection.execute(_INPUT, {"quest_id": quest_id}).one())
    return str(row.submitted_input or row.input_data)


def find_step(connection: Connection, quest_id: str, version: int, step: Row[Any]) -> int | None:
    """Return the newest version, in the history that led to `version`, at which a step of the plan came next."""
    for seen in _seen(connection, quest_id, version, step):
        query = seen.where(snapshots.c.position == step.position).order_by(snapshots.c.version.desc())
        found = connection.execute(query.limit(1)).scalar()
        if found is not None:
            return int(found)
    return None


def find_passed(connection: Connection, quest_id: str, version: int, step: Row[Any]) -> int | None:
    """Return the first version, in the history that led to `version`, at which a step of the plan lay behind."""
    for seen in _seen(connection, quest_id, version, step):
        behind = or_(snapshots.c.position > step.position, snapshots.c.position.is_(None))
        found = connection.execute(seen.where(behind).order_by(snapshots.c.version).limit(1)).scalar()
        if found is not None:
            return int(found)
    return None


def _seen(connection: Connection, quest_id: str, version: int, step: Row[Any]) -> Iterator[Select[int]]:
    """Yield, per epoch that led to `version` and has `step` in its plan, the query for the versions that count."""
    same = [steps.c[name] == getattr(step, name) for name in ("position", "lord_name", "tool_name", "occurrence")]
    for epoch, limit in lineage(connection, quest_id, version):
        mine = (steps.c.quest_id == quest_id, steps.c.epoch == epoch)
        if connection.execute(select(steps.c.position).where(*mine, *same)).first() is not None:
            yield select(snapshots.c.version).where(
                snapshots.c.quest_id == quest_id, snapshots.c.epoch == epoch, snapshots.c.version <= limit
            )


def taken_back(state: State, rows: Sequence[Row[Any]], position: str) -> tuple[State, list[Row[Any]]]:
    """Return a state and its plan as they were before the step at `position` ran, which lies behind them.

    Steps that were pushed by what runs again are not among them: they will be pushed again.

    Parameters:
      rows: the plan at that state.

    Raises:
      QuestConflict: nothing tells which of the steps behind it, in its group, it has pushed itself.
    """
    again = [row for row in rows if row.position >= position]
    group = _group(position)
    if group and any(_group(row.position) == group for row in again[1:]):
        message = f"step {position} was pushed together with others before the quest came into the store"
        raise QuestConflict(message, hint=f"replay from the step that pushed them, {group}")
    before = [row for row in rows if row.position < position or _group(row.position) < position]
    stack = [step_of(row) for row in before if row.position >= position]
    run_data = without(state.run_data, ((row.lord_name, row.occurrence) for row in again))
    return replace(state, position=position, run_data=run_data, stack=stack), before


def _group(position: str) -> str:
    """Return the position of the step that pushed a group of steps, as the position of one of them tells it."""
    return position.rpartition(".")[0]


def output_of(connection: Connection, quest_id: str, epoch: int, version: int, name: str) -> str | None:
    """Return the newest output of a Lord (or that of `LORD#n`) up to `version` as JSON text, or None.

    Reads that one output only, unless it stems from before the epoch.
    """
    lord_name, number = split(name)
    query = _successes(quest_id, epoch, version).where(runs.c.lord_name == lord_name)
    if number:
        query = query.where(runs.c.run_index == number)
    found = connection.execute(query.order_by(runs.c.version.desc()).limit(1)).first()
    return None if found is None else str(opened(connection, runs, found).output_data)


def all_outputs_of(
    connection: Connection, quest_id: str, epoch: int, version: int, lord_name: str, *, limit: Limit = DEFAULTS.state
) -> list[Any]:
    """Return every output of one Lord up to `version`, in the order in which its steps ran; reads no other.

    Raises:
      PayloadError: together they are larger than `limit`.
    """
    base = _base(connection, quest_id, epoch, version)
    run_data = RunData({one.name: one.output for one in outputs_of(decode(base.run_data), lord_name)})
    since = _successes(quest_id, epoch, version).where(runs.c.version > base.version, runs.c.lord_name == lord_name)
    _add_all(connection, quest_id, since, run_data, size=0, limit=limit)
    return [one.output for one in outputs_of(run_data.data, lord_name)]


#: What is read of a result: what it is, and what tells its row from others.
_RESULT = tuple(
    runs.c[name]
    for name in (
        *("lord_name", "run_index", "output_data"),
        *("quest_id", "epoch", "position", "claim_id", "attempt_number"),
    )
)


def _successes(quest_id: str, epoch: int, version: int) -> Select[*tuple[Any, ...]]:
    """Return the query for what an epoch's steps came to, up to `version`."""
    return select(*_RESULT).where(
        runs.c.quest_id == quest_id,
        runs.c.epoch == epoch,
        runs.c.status == RunStatus.SUCCESS,
        runs.c.version <= version,
    )


def base_data(connection: Connection, quest_id: str, epoch: int, version: int) -> dict[str, Any]:
    """Return the outputs that an epoch began with."""
    data: dict[str, Any] = decode(_base(connection, quest_id, epoch, version).run_data)
    return data
