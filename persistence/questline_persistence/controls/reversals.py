"""What goes back to what it was when a quest is taken back to before an earlier correction.

A correction belongs to the snapshots that were made after it. Who starts from one of before leaves it behind, and is
told so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from questline_persistence import run_data
from questline_persistence.controls.corrections import SETTABLE
from questline_persistence.controls.locked_quest import LockedQuest
from questline_persistence.journal import State, history
from questline_persistence.payload import decode

#: Most values that a sentence names; more are only counted.
MAX_NAMED = 3
#: Longest value that it repeats, in characters.
MAX_SHOWN = 100

_PLAIN = re.compile(r'[^.\[\]"]+')
_NOTHING = object()

Plan = Sequence[Mapping[str, Any]]


class Reversal(NamedTuple):
    """What goes back to what it was.

    Parameters:
      path: where, as a correction names it.
      old: the value of now; None where there is none.
      new: the value of then; None where there was none.
      removed: whether there was none then.
    """

    path: str
    old: Any
    new: Any
    removed: bool


class Present:
    """What a quest has now, of which a replay or a fork may leave something behind.

    Parameters:
      locked: the quest.
      state: what it is taken back to; where that is of the present epoch, nothing is left behind.
    """

    def __init__(self, locked: LockedQuest, state: State) -> None:
        self._epoch = int(locked.quest.epoch)
        if state.epoch == self._epoch:
            return
        self._input = decode(locked.quest.input_data)
        outputs = history.base_data(locked.connection, locked.quest_id, self._epoch, locked.version)
        self._outputs = _numbered(outputs)
        rows = history.plan(locked.connection, locked.quest_id, self._epoch)
        self._steps = {row.position: _settable(history.columns(row)) for row in rows}

    def left_for(self, state: State, plan: Plan) -> list[Reversal]:
        """Return what is another then than now: of the input, of outputs that are kept, of steps that run again."""
        if state.epoch == self._epoch:
            return []
        found = [*_differing("input_data", self._input, decode(state.input_json))]
        for which, (name, output) in _numbered(state.run_data).items():
            if which in self._outputs:
                found += _differing(f"run_data.{_part(name)}", self._outputs[which][1], output)
        for row in plan:
            now, then = self._steps.get(row["position"]), _settable(row)
            if now and now[0] == then[0] and state.position and row["position"] >= state.position:
                found += _differing(f"execution_stack.{row['position']}", now[1], then[1])
        return found


def told(reversals: Sequence[Reversal], version: int) -> str | None:
    """Return what goes back to what it was at `version`, in words; None where nothing does."""
    if not reversals:
        return None
    parts = [
        f"{one.path} is no longer there" if one.removed else f"{one.path} goes back to {_shown(one.new)}"
        for one in reversals[:MAX_NAMED]
    ]
    if len(reversals) > MAX_NAMED:
        parts.append(f"{len(reversals) - MAX_NAMED:,} more go back")
    return f"{', '.join(parts)}, as at v{version}; to keep a correction of an earlier replay, set it again"


def _numbered(data: Mapping[str, Any]) -> dict[tuple[str, int], tuple[str, Any]]:
    """Return outputs by their Lord and the number of their step, each with its name."""
    names = ((name, *run_data.split(name)) for name in run_data.each(data))
    return {(lord_name, number or 1): (name, data[name]) for name, lord_name, number in names}


def _settable(row: Mapping[str, Any]) -> tuple[tuple[str, str], dict[str, Any]]:
    """Return which Lord and tool a step has, and what corrections may set of it."""
    values = {key: decode(row[key]) if key == "params" else row[key] for key in SETTABLE}
    return (row["lord_name"], row["tool_name"]), values


def _differing(path: str, now: Any, then: Any) -> Iterator[Reversal]:
    """Yield where two values differ, as deep inside objects as that can be told."""
    if isinstance(now, dict) and isinstance(then, dict):
        for key in {**then, **now}:
            yield from _differing(f"{path}.{_part(key)}", now.get(key, _NOTHING), then.get(key, _NOTHING))
    elif now != then:
        old, new = (None if value is _NOTHING else value for value in (now, then))
        yield Reversal(path, old, new, removed=then is _NOTHING)


def _part(key: str) -> str:
    """Return a key as a part of a path, in quotes where it needs them."""
    return key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
