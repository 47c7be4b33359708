"""What a replay and a fork write: a quest's earlier state, taken up again under the next epoch or as a new quest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from questline_persistence.claims import Claim, Doorbell
from questline_persistence.clock import rfc3339
from questline_persistence.controls.corrections import Change, Corrected, Correction
from questline_persistence.controls.locked_quest import LockedQuest
from questline_persistence.controls.restart import Restart, StepAgain
from questline_persistence.controls.reversals import Present, Reversal, told
from questline_persistence.controls.starting_point import StartingPoint, resolve
from questline_persistence.dialects import codec_of
from questline_persistence.errors import InvalidRecord, PayloadError, QuestConflict
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import RECORDED_ALONE, history, prepare_quest
from questline_persistence.models import QuestExecutionData
from questline_persistence.new_quest import NewQuest
from questline_persistence.payload import decode, whole_state
from questline_persistence.plan import PlannedStep, counts_text, highest
from questline_persistence.schema import once, opened, quests, sealed, snapshots, steps, tickets
from questline_persistence.states import ExecutionStatus, SnapshotReason
from questline_persistence.writes import Origin


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a replay or a fork takes up: an earlier state, corrected, and what to tell of it."""

    state: history.State
    #: The whole plan of that time, corrected: one dictionary of columns per step.
    plan: Sequence[Mapping[str, Any]]
    changes: tuple[Change, ...]
    reversals: tuple[Reversal, ...]
    notice: str | None

    @property
    def restart(self) -> Restart:
        """What would be, for people."""
        again = [row for row in self.plan if self.state.position and row["position"] >= self.state.position]
        return Restart(
            version=self.state.version,
            epoch=self.state.epoch,
            position=str(self.state.position),
            changes=self.changes,
            reversals=self.reversals,
            steps=tuple(StepAgain(row["position"], row["lord_name"], row["tool_name"]) for row in again),
            notice=self.notice,
        )


@dataclass(frozen=True, slots=True)
class PastStep:
    """A step as it was before it ran, to be run again by somebody who writes nothing.

    Parameters:
      claim: a hold on it that the store knows nothing of.
      run_data: the outputs that it found, corrected.
      changes: what was corrected.
      notice: what the user should know about how it was chosen, or None.
    """

    claim: Claim
    run_data: dict[str, Any]
    changes: tuple[Change, ...]
    notice: str | None


def past_step(locked: LockedQuest, start: StartingPoint, correction: Correction) -> PastStep:
    """Return the step that comes next at `start`, as `earlier` finds it."""
    found, quest = earlier(locked, start, correction), locked.quest
    row = next(row for row in found.plan if row["position"] == found.state.position)
    own = {name: row[name] for name in ("position", "lord_name", "tool_name", "occurrence", "max_attempts")}
    claim = Claim(
        **own,
        claim_id=new_claim_id(),
        worker_id="",
        quest_id=quest.quest_id,
        quest_type=quest.quest_type,
        namespace=quest.namespace,
        epoch=found.state.epoch,
        params_json=row["params"],
        input_json=found.state.input_json,
        attempt=1,
        lost=0,
        version=found.state.version,
        timeout_seconds=row["timeout_seconds"],
        backoff_seconds=row["backoff_seconds"],
        start_time=locked.now,
        queue=row["queue"] or quest.queue,
        fence=0,
    )
    return PastStep(claim, found.state.run_data, found.changes, found.notice)


def earlier(locked: LockedQuest, start: StartingPoint, correction: Correction) -> Earlier:
    """Return what a quest was at `start`, corrected.

    Raises:
      QuestNotFound: the quest has no such snapshot or step.
      QuestConflict: the step has not been reached yet, or nothing remains to be run.
      PayloadError: a correction's path leads nowhere, or its value is not JSON.
    """
    point = resolve(locked.connection, locked.quest_id, locked.quest.epoch, locked.version, start)
    state = history.state_at(locked.connection, locked.quest_id, point.version, limit=locked.limits.state)
    whole = history.plan(locked.connection, state.quest_id, state.epoch)
    rows = [row for row in whole if row.since_version <= state.version]
    if point.position is not None:
        state, rows = history.taken_back(state, rows, point.position)
    plan, every = [history.columns(row) for row in rows], [history.columns(row) for row in whole]
    corrected, present = Corrected(state, plan, every, locked.limits), Present(locked, state)
    left = present.left_for(corrected.state, corrected.plan)
    for path, value in correction.items():
        corrected.set(path, value)
    if state.position is None:
        raise QuestConflict(f"quest {locked.quest_id} has no step left to run after v{state.version}")
    # What is corrected now does not go back: it has another value than then.
    reversals = tuple(one for one in present.left_for(corrected.state, corrected.plan) if one in left)
    notice = "; ".join(filter(None, (point.notice, told(reversals, state.version)))) or None
    return Earlier(corrected.state, corrected.plan, tuple(corrected.changes), reversals, notice)


def start_again(locked: LockedQuest, earlier: Earlier) -> Doorbell:
    """Take a quest back to a state under the next epoch: plan, snapshot, ticket and row; return what to ring."""
    state = earlier.state
    quest_id, epoch, version = locked.quest_id, locked.quest.epoch + 1, locked.version + 1
    plan = [history.copied_step(row, to=quest_id, epoch=epoch) for row in earlier.plan]
    connection = locked.connection
    connection.execute(insert(steps), [sealed(connection, steps, row) for row in plan])
    base = {
        "quest_id": quest_id,
        "version": version,
        "epoch": epoch,
        "position": state.position,
        "run_data": whole_state(state.run_data, limit=locked.limits.state),
        "input_data": state.input_json,
        "parent_version": state.version,
        "snapshot_reason": SnapshotReason.REPLAY,
        "created_at": rfc3339(locked.now),
    }
    connection.execute(insert(snapshots).values(**sealed(connection, snapshots, base)))
    locked.cut_short("the quest was replayed")
    connection.execute(delete(tickets).where(tickets.c.quest_id == quest_id))
    bell = locked.issue_ticket(epoch, str(state.position), version)
    locked.change(
        status=ExecutionStatus.RUNNING,
        epoch=epoch,
        step_counts=counts_text(highest((row["lord_name"], row["occurrence"]) for row in plan)),
        output_data=None,
        error=None,
        reason=None,
        start_time=locked.now,
        end_time=None,
        duration_seconds=None,
        **_new_input(locked.quest, state),
    )
    return bell


def _new_input(quest: Row[Any], state: history.State) -> dict[str, Any]:
    """Return the columns of a corrected input, which keep the one that was submitted."""
    if state.input_json == quest.input_data:
        return {}
    return {"input_data": state.input_json, "submitted_input": quest.submitted_input or quest.input_data}


def forked_rows(locked: LockedQuest, earlier: Earlier, new_id: str) -> NewQuest:
    """Return what the rows of a new quest are made of that starts at a state of another.

    Raises:
      PayloadError: `new_id` is no id for a quest.
    """
    source, state = locked.quest, earlier.state
    try:
        quest = QuestExecutionData(
            quest_id=new_id,
            quest_type=source.quest_type,
            input_data=decode(state.input_json),
            execution_stack=state.stack,
            labels=source.labels,
            queue=source.queue,
            priority=source.priority,
            forked_from=f"{source.quest_id}@v{state.version}",
        )
    except InvalidRecord:  # all else was stored by ourselves
        raise PayloadError(f"{new_id!r} is not an id for a quest", hint="use letters, digits and _ . -") from None
    new = prepare_quest(
        quest,
        namespace=source.namespace,
        now=locked.now,
        limits=locked.limits,
        codec=codec_of(locked.connection),
    )
    steps = tuple(PlannedStep(**{name: row[name] for name in PlannedStep._fields}) for row in earlier.plan)
    base = whole_state(state.run_data, limit=locked.limits.state)
    counts = counts_text(highest((step.lord_name, step.occurrence) for step in steps))
    return new._replace(run_data=base, plan=replace(new.plan, steps=steps, position=str(state.position), counts=counts))


class CallsOfFork(StrEnum):
    """What becomes, in a fork, of the calls that the steps have recorded by `ctx.once`."""

    #: They are made anew.
    ANEW = "anew"
    #: What is recorded is served.
    KEPT = "kept"
    #: The same, and a call that is not recorded fails the quest for good, instead of going out.
    RECORDED = "recorded"

    @classmethod
    def of(cls, *, keep_once: bool, recorded: bool) -> CallsOfFork:
        """Return what two options say together."""
        return cls.RECORDED if recorded else cls.KEPT if keep_once else cls.ANEW


def fork_calls(connection: Connection, source: str, target: Origin, calls: CallsOfFork) -> None:
    """Give a fork the calls that the steps have recorded, if it is to have them.

    Parameters:
      connection: the transaction that makes the fork.
      source: the quest that is forked.
      target: the fork, and the step that it begins with.
      calls: what becomes of them.
    """
    if calls is not CallsOfFork.ANEW:
        keep_calls(connection, source, target.quest_id, target.epoch, target.position)
    if calls is CallsOfFork.RECORDED:
        mine = quests.c.quest_id == target.quest_id
        connection.execute(update(quests).where(mine).values(once_mode=RECORDED_ALONE))


def keep_calls(connection: Connection, source: str, target: str, epoch: int, start: str) -> None:
    """Copy what the calls of steps have come to into another epoch, or another quest, that has the same steps.

    Of a step that ran in several epochs it is what the newest has recorded.

    Parameters:
      connection: a transaction that has locked the source's rows, and made the plan of the target.
      source: the quest whose steps have recorded them.
      target: the quest that is to have them.
      epoch: its replay number.
      start: the first step that runs again.
    """
    for position, origin in _steps_to_keep(connection, source, target, epoch, start):
        mine = (once.c.quest_id == source, once.c.epoch == origin, once.c.position == position)
        rows = [opened(connection, once, row) for row in connection.execute(select(once).where(*mine))]
        new = {"quest_id": target, "epoch": epoch}
        copies = [{**{column.name: getattr(row, column.name) for column in once.c}, **new} for row in rows]
        connection.execute(insert(once), [sealed(connection, once, copy) for copy in copies])


def _steps_to_keep(connection: Connection, source: str, target: str, epoch: int, start: str) -> list[tuple[str, int]]:
    """Return which steps have recorded calls and are to run again, each with the epoch that is meant."""
    old, new, there = steps.alias("old"), steps.alias("new"), once.alias("there")
    newest = (
        select(there.c.position, func.max(there.c.epoch).label("epoch"))
        .where(there.c.quest_id == source, there.c.position >= start)
        .group_by(there.c.position)
        .subquery()
    )
    ran = and_(old.c.quest_id == source, old.c.epoch == newest.c.epoch, old.c.position == newest.c.position)
    again = and_(new.c.quest_id == target, new.c.epoch == epoch, new.c.position == newest.c.position)
    same = and_(new.c.lord_name == old.c.lord_name, new.c.tool_name == old.c.tool_name)
    query = select(newest.c.position, newest.c.epoch).join(old, ran).join(new, and_(again, same))
    return [(row.position, row.epoch) for row in connection.execute(query)]
