"""Where a replay or a fork starts: read from what people type, found in the quest's history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.journal import history

_VERSION = re.compile(r"v(\d{1,9})")
_POSITION = re.compile(r"\d{4}(\.\d{4})*")


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """`LORD`, `LORD:TOOL`, `LORD#n`, a position such as `0003`, a version such as `v7`, or None for the beginning."""

    text: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """The snapshot to start from, and what the user should know about how it was chosen.

    `position` is set where the quest has no snapshot of the moment before the step: it came into the store when the
    step lay behind it, as a fork does. Then the snapshot is to be taken back to that position.
    """

    version: int
    notice: str | None = None
    position: str | None = None


def resolve(connection: Connection, quest_id: str, epoch: int, version: int, start: StartingPoint) -> Point:
    """Return the snapshot that `start` means for a quest now at `epoch` and `version`.

    Raises:
      QuestNotFound: the quest has no such snapshot, step or Lord.
      QuestConflict: the step has not been reached yet.
    """
    if start.text is None:
        return Point(0)
    if match := _VERSION.fullmatch(start.text):
        return Point(history.snapshot_row(connection, quest_id, int(match[1])).version)
    step, notice = _step(connection, quest_id, epoch, start.text)
    found = history.find_step(connection, quest_id, version, step)
    if found is not None:
        return Point(found, notice)
    passed = history.find_passed(connection, quest_id, version, step)
    if passed is not None:
        return Point(passed, notice, position=step.position)
    raise QuestConflict(f"quest {quest_id} has not reached {start.text} (step {step.position}) yet")


def _step(connection: Connection, quest_id: str, epoch: int, text: str) -> tuple[Row[Any], str | None]:
    """Return the step that a position, `LORD` or `LORD:TOOL` names, with a notice if the name was ambiguous."""
    plan = history.plan(connection, quest_id, epoch)
    if _POSITION.fullmatch(text):
        for row in plan:
            if row.position == text:
                return row, None
        raise QuestNotFound(f"quest {quest_id} has no step at {text}", hint=f"its steps: {_names(plan)}")
    name, _, number = text.partition("#")
    lord_name, colon, tool_name = name.partition(":")
    found = [row for row in plan if row.lord_name == lord_name and (not colon or row.tool_name == tool_name)]
    if number:  # a Lord's own steps are numbered, also in `run_data`; those of one of its tools are counted
        found = [row for index, row in enumerate(found, 1) if str(index if colon else row.occurrence) == number]
    if not found:
        raise QuestNotFound(f"quest {quest_id} has no step of {text}", hint=f"its steps: {_names(plan)}")
    notice = (
        f"{name} occurs {len(found)} times; starting from its first step, {found[0].position}"
        if len(found) > 1
        else None
    )
    return found[0], notice


def _names(plan: list[Row[Any]], most: int = 20) -> str:
    """Return the steps of a plan for an error message."""
    names = [f"{row.position} {row.lord_name}:{row.tool_name}" for row in plan[:most]]
    return ", ".join(names) + (", …" if len(plan) > most else "")
