"""Two attempts, two versions of a quest, or two quests, side by side: only what differs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from questline_persistence.errors import QuestNotFound
from questline_persistence.memory.merging import StateChange, difference
from questline_persistence.models import LordRun, QuestExecutionData
from questline_persistence.records import QuestHistory, QuestRepository, SnapshotHead

_VERSION = re.compile(r"(.+)@v(\d{1,9})")
_RUN = re.compile(r"(.+)#(\d{1,18})")
_HINT = "name two quests, ID@vVERSION for a version of one, or ID#RUN for an attempt"


@dataclass(frozen=True, slots=True)
class Compared:
    """One side of a comparison.

    Parameters:
      name: what it is called.
      quest_id: the quest.
      content: what is compared; times and ids are left out.
      version: the version of the quest's state; None where it is an attempt.
      run_id: the attempt; None where it is a quest.
      position: the attempt's step.
      whole: whether the quest was named, and none of its versions.
    """

    name: str
    quest_id: str
    content: dict[str, Any]
    version: int | None = None
    run_id: int | None = None
    position: str | None = None
    whole: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data, without its content."""
        where = {"version": self.version} if self.run_id is None else {"run_id": self.run_id, "position": self.position}
        return {"name": self.name, "quest_id": self.quest_id, **where}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, and the changes that lead from the first to the second."""

    a: Compared
    b: Compared
    changes: list[StateChange]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        changes = [change.to_json() for change in self.changes]
        return {"a": self.a.to_json(), "b": self.b.to_json(), "changes": changes}


class Comparing:
    """Compares what a namespace has of quests.

    Parameters:
      repository: where it is read.
    """

    def __init__(self, repository: QuestRepository) -> None:
        self._repository = repository
        self._history = QuestHistory(repository.database, repository.namespace)

    def compare(self, a: str, b: str | None = None) -> Comparison:
        """Compare two quests, versions or attempts.

        Parameters:
          a: a quest's id or the beginning of one, `ID@vVERSION`, or `ID#RUN`.
          b: another. None compares `a` with what came before it: an attempt with the attempt before of its step, a
            version with the version before, a fork with the quest that it was made from, a replayed quest with what
            it was before.

        Raises:
          QuestNotFound: there is no such quest, version or attempt, or nothing came before it.
        """
        first = self._side(a)
        sides = (self._before(first), first) if b is None else (first, self._side(b))
        return Comparison(*sides, difference(sides[0].content, sides[1].content))

    def _side(self, named: str) -> Compared:
        if match := _RUN.fullmatch(named):
            return self._attempt(self._repository.full_id(match[1]), int(match[2]))
        match = _VERSION.fullmatch(named)
        quest = self._repository.glance(self._repository.full_id(match[1] if match else named))
        return self._state(quest, int(match[2]) if match else None, whole=match is None)

    def _state(self, quest: QuestExecutionData, version: int | None, *, whole: bool = False) -> Compared:
        """Return a quest as it was at a version, None being the newest."""
        snapshot = self._repository.load_snapshot(quest.quest_id, version)
        content = {
            "quest_type": quest.quest_type,
            "input_data": quest.input_data,
            "run_data": snapshot.run_data,
            "remaining": [step.handler for step in snapshot.execution_stack],
        }
        name = f"{quest.quest_id} v{snapshot.version}"
        return Compared(name, quest.quest_id, content, version=snapshot.version, whole=whole)

    def _attempt(self, quest_id: str, run_id: int) -> Compared:
        run = next(iter(self._history.runs(quest_id, limit=1, after=run_id - 1)), None) if run_id else None
        if run is None or run.run_id != run_id:
            raise QuestNotFound(f"quest {quest_id} has no attempt {run_id}", hint=_HINT)
        return _of_run(run)

    def _before(self, side: Compared) -> Compared:
        """Return what came before one side."""
        if side.run_id is not None:
            return self._attempt_before(side, side.run_id)
        quest = self._repository.glance(side.quest_id)
        if not side.whole:
            return self._version_before(quest, lambda head: head.version < (side.version or 0), side.name)
        if quest.forked_from is not None:
            return self._side(quest.forked_from.partition("@")[0])
        return self._version_before(quest, lambda head: head.epoch < quest.epoch, side.name)

    def _attempt_before(self, side: Compared, run_id: int) -> Compared:
        positions = None if side.position is None else [side.position]
        runs = self._history.runs(side.quest_id, positions=positions, contents=False)
        before = [run.run_id for run in runs if run.run_id < run_id and run.position == side.position]
        if not before:
            raise QuestNotFound(f"{side.name} is the first one of its step", hint=_HINT)
        return self._attempt(side.quest_id, before[-1])

    def _version_before(
        self, quest: QuestExecutionData, is_before: Callable[[SnapshotHead], bool], name: str
    ) -> Compared:
        before = [head.version for head in self._history.snapshots(quest.quest_id) if is_before(head)]
        if not before:
            raise QuestNotFound(f"nothing came before {name}", hint=_HINT)
        return self._state(quest, before[-1])


def _of_run(run: LordRun) -> Compared:
    content = {
        "handler": f"{run.lord_name}:{run.tool_name}",
        "status": str(run.status),
        "params": run.input_data,
        "output": run.output_data,
        "error": run.error_message,
        "worker": run.worker_id,
        "code_version": run.code_version,
    }
    name = f"{run.quest_id} {run.position} attempt {run.attempt_number}"
    return Compared(name, run.quest_id, content, run_id=run.run_id, position=run.position)
