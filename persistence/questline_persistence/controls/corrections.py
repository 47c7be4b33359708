"""Corrections that a replay or fork makes to a quest's input, to earlier outputs, or to the steps that run again."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from questline_persistence import run_data
from questline_persistence.controls.paths import find, missing, refuse_unsettable, split_name
from questline_persistence.controls.unsettable import OtherSteps
from questline_persistence.errors import InvalidRecord, PayloadError
from questline_persistence.journal import State
from questline_persistence.models import LordStep
from questline_persistence.payload import DEFAULTS, Limits, PathPart, decode, encode, parse_path, shortened

#: What to set: `input_data.path`, `run_data.LORD.path` or `execution_stack.STEP.params.path` → the new value.
Correction: TypeAlias = Mapping[str, Any]

#: What may be set of a step that runs again.
SETTABLE = ("params", "max_attempts", "timeout_seconds", "backoff_seconds", "queue")

_ROOTS = ("input_data", "run_data", "execution_stack")
_HINT = "a path is input_data.KEY…, run_data.LORD… or execution_stack.STEP.params.KEY…"


class Change(NamedTuple):
    """What a correction changes.

    Parameters:
      path: where, such as `input_data.service`.
      old: the old value; None if there was none.
      new: the new value.
      added: whether it adds a key that was not there.
    """

    path: str
    old: Any
    new: Any
    added: bool


@dataclass
class Corrected:
    """A quest's earlier state on its way to being corrected.

    Parameters:
      state: what it has, and where it goes on.
      plan: its plan of that time, one dictionary of columns per step.
      whole: the plan with every step that was pushed later, too.
      limits: how large its parts may be.
    """

    state: State
    plan: Sequence[Mapping[str, Any]]
    whole: Sequence[Mapping[str, Any]]
    limits: Limits = DEFAULTS
    changes: list[Change] = field(default_factory=list)

    def set(self, path: str, value: Any) -> None:
        """Set what a path leads to.

        Raises:
          PayloadError: it leads nowhere, the value is not JSON, or what it becomes part of gets too large.
        """
        encode(value, what=f"the value for {shortened(path)}", limit=self.limits.output)
        root, *parts = parse_path(path)
        if root.text not in _ROOTS:
            raise missing(path, root.text, _ROOTS, where="in a snapshot")
        if not parts:
            raise PayloadError(f"cannot set the whole of {root.text}", hint=_HINT)
        {"input_data": self._set_input, "run_data": self._set_output, "execution_stack": self._set_step}[root.text](
            path, parts, value
        )

    def _set_input(self, path: str, parts: list[PathPart], value: Any) -> None:
        data = decode(self.state.input_json)
        self._set(data, path, parts, value, new_keys=True)
        text = encode(data, what="input_data", limit=self.limits.input)
        self.state = replace(self.state, input_json=text)

    def _set_output(self, path: str, parts: list[PathPart], value: Any) -> None:
        outputs = dict(self.state.run_data)
        names = run_data.names(outputs)
        refuse_unsettable(names, parts, path, others=lambda: self._others().outputs())
        name, rest = split_name(names, parts, path, where="among the outputs")
        whole = {"output": copy.deepcopy(run_data.find(outputs, name))}
        self._set(whole, path, [PathPart("output", quoted=True), *rest], value)
        encode(whole["output"], what=f"the output of {shortened(name)}", limit=self.limits.output)
        for same in run_data.same_as(outputs, name):
            outputs[same] = whole["output"]
        self.state = replace(self.state, run_data=outputs)

    def _set_step(self, path: str, parts: list[PathPart], value: Any) -> None:
        names = self._steps()
        settings = [f"{name}.{key}" for name in names for key in SETTABLE]
        refuse_unsettable(settings, parts, path, others=lambda: self._others().steps(names))
        name, rest = split_name(names, parts, path, where="among the steps that run again")
        row = names[name]
        settable = {key: decode(row[key]) if key == "params" else row[key] for key in SETTABLE}
        if not rest or rest[0].text not in SETTABLE:
            raise missing(path, rest[0].text if rest else "", SETTABLE, where="of a step to set")
        if rest[0].text == "params" and len(rest) > 1:
            self._set(settable["params"], path, rest[1:], value, new_keys=True)
        else:
            self._set(settable, path, rest, value)
        self._put_step(row, settable, path)

    def _steps(self) -> dict[str, Mapping[str, Any]]:
        """Return the steps that run again by their names: position, `LORD#n`, and `LORD` where it has one of them."""
        again = self._again()
        often = Counter(row["lord_name"] for row in again)
        names: dict[str, Mapping[str, Any]] = {row["position"]: row for row in again}
        names |= {row["lord_name"]: row for row in again if often[row["lord_name"]] == 1}
        return names | {f"{row['lord_name']}#{row['occurrence']}": row for row in again}

    def _again(self) -> list[Mapping[str, Any]]:
        return [row for row in self.plan if self.state.position and row["position"] >= self.state.position]

    def _others(self) -> OtherSteps:
        return OtherSteps(self.whole, self.plan, self._again())

    def _put_step(self, row: Mapping[str, Any], changed: dict[str, Any], path: str) -> None:
        try:
            step = LordStep(row["lord_name"], row["tool_name"], **changed)
        except InvalidRecord as error:
            raise PayloadError(f"cannot set {shortened(path)}: {error.message}", hint=error.hint) from None
        what = f"the params of step {row['position']} ({step.handler})"
        columns = {key: getattr(step, key) for key in SETTABLE}
        columns["params"] = encode(step.params, what=what, limit=self.limits.params)
        columns["queue"] = step.queue or row["queue"]
        stack = [step if one is row else old for one, old in zip(self._again(), self.state.stack, strict=True)]
        self.state = replace(self.state, stack=stack)
        self.plan = [{**one, **columns} if one is row else one for one in self.plan]

    def _set(self, data: Any, path: str, parts: list[PathPart], value: Any, *, new_keys: bool = False) -> None:
        place = find(data, parts, path, new_keys=new_keys)
        old = copy.deepcopy(place.holder[place.key]) if place.there else None
        place.holder[place.key] = value
        self.changes.append(Change(path, old, value, added=not place.there))
