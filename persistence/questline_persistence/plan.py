"""The plan of a new quest: its stack taken apart into steps with positions, each payload encoded once.

Quests that are submitted together often have one plan. It is made once and shared, also by their rows on the way
to the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

from questline_persistence.errors import PayloadError
from questline_persistence.models import MAX_STEPS, LordStep
from questline_persistence.payload import (
    DEFAULTS,
    MAX_STATE_DEPTH,
    TEXT_ROOM,
    Limits,
    encode,
    is_big,
    mark_big,
    too_large,
)


class PlannedStep(NamedTuple):
    """A step at its place in a plan; `params` is JSON text, and a `queue` of None means the quest's."""

    position: str
    lord_name: str
    tool_name: str
    occurrence: int
    params: str
    max_attempts: int
    timeout_seconds: float
    backoff_seconds: float
    queue: str | None

    @classmethod
    def of(cls, step: LordStep, position: str, occurrence: int, params: str) -> PlannedStep:
        """Return a step, its params given as JSON text, at its place."""
        lord, tool, _, attempts, timeout, backoff, queue = _content(step, params)
        return cls(position, lord, tool, occurrence, params, attempts, float(timeout), float(backoff), queue)

    def row(self, quest_id: str, *, epoch: int, queue: str) -> dict[str, Any]:
        """Return the step's row in a quest's plan, there from the start; `queue` is the quest's."""
        whose = {"quest_id": quest_id, "epoch": epoch, "since_version": 0}
        return self._asdict() | whose | {"queue": self.queue or queue}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new quest is to do.

    Parameters:
      text: the stack as JSON text.
      steps: the steps, in their order.
      position: where the quest starts.
      handler: the handler of the step that it starts with.
      queue: that step's own queue, if it has one.
      counts: how many steps of each Lord there are, as JSON text.
    """

    text: str
    steps: tuple[PlannedStep, ...]
    position: str
    handler: str
    queue: str | None
    counts: str

    def numbered_after(self, there: Mapping[str, int]) -> Plan:
        """Return the plan with the steps of each Lord numbered on from those whose outputs are there already."""
        if not there:
            return self
        steps = tuple(one._replace(occurrence=one.occurrence + there.get(one.lord_name, 0)) for one in self.steps)
        return replace(self, steps=steps, counts=counts_text(highest((one.lord_name, one.occurrence) for one in steps)))


class Plans:
    """Makes the plans of quests that are submitted together, one for all that have the same stack.

    Parameters:
      limits: how large a plan's parts may be.
    """

    def __init__(self, limits: Limits = DEFAULTS) -> None:
        self._limits = limits
        self._known: dict[Any, Plan] = {}

    def of(self, stack: Sequence[LordStep]) -> Plan:
        """Return the plan of a stack with at least one step, its positions counted from `0001`.

        Raises:
          PayloadError: the steps are too many, or params are not JSON or too large.
        """
        if len(stack) > MAX_STEPS:  # asked again here: a list can grow after its quest was made
            message = f"the execution_stack has {len(stack):,} steps; the limit is {MAX_STEPS:,}"
            raise PayloadError(message, hint=_STACK_HINT)
        params = [self._params(step, number) for number, step in enumerate(stack, start=1)]
        key = tuple(map(_content, stack, params))
        plan = self._known.get(key)
        if plan is None:
            plan = self._known[key] = self._made(stack, params)
        return plan

    def _params(self, step: LordStep, number: int) -> str:
        """Return the params of a step as JSON text."""
        if step.params == {}:
            return "{}"
        return encode(
            step.params,
            what=f"the params of step {number:04d} ({step.handler})",
            root="params",
            limit=self._limits.params,
        )

    def _made(self, stack: Sequence[LordStep], params: Sequence[str]) -> Plan:
        seen: dict[str, int] = {}
        planned = []
        for number, (step, text) in enumerate(zip(stack, params, strict=True), start=1):
            seen[step.lord_name] = seen.get(step.lord_name, 0) + 1
            planned.append(PlannedStep.of(step, f"{number:04d}", seen[step.lord_name], text))
        text = self._text(stack, params)
        return Plan(text, tuple(planned), planned[0].position, stack[0].handler, planned[0].queue, counts_text(seen))

    def _text(self, stack: Sequence[LordStep], params: Sequence[str]) -> str:
        """Return the stack as JSON text, in which the text of the params is put as it stands."""
        limit = self._limits.stack
        if sum(map(len, params)) > TEXT_ROOM * limit.size:
            raise too_large("execution_stack", f"more than {limit.size:,}", limit)
        text = stack_text(stack, self._limits, params=[orjson.Fragment(each) for each in params])
        return mark_big(text) if any(map(is_big, params)) else text


_STACK_HINT = "split it into several quests, or let one step do the work of several"


def highest(numbered: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the highest number of a step of each Lord, from pairs of a Lord and a number."""
    found: dict[str, int] = {}
    for lord_name, number in numbered:
        found[lord_name] = max(found.get(lord_name, 0), number)
    return found


def counts_text(counts: Mapping[str, int]) -> str:
    """Return how many steps of each Lord a plan has, or the highest of their numbers, as JSON text."""
    return orjson.dumps(counts).decode()


def _content(step: LordStep, params: str) -> tuple[str, str, str, int, float, float, str | None]:
    """Return all that a step says, as a value that equals that of an equal step."""
    return (
        step.lord_name,
        step.tool_name,
        params,
        step.max_attempts,
        step.timeout_seconds,
        step.backoff_seconds,
        step.queue or None,
    )


def stack_text(stack: Sequence[LordStep], limits: Limits = DEFAULTS, *, params: Sequence[Any] | None = None) -> str:
    """Return the stack as JSON text.

    Parameters:
      params: what to write as the params of each step; default: the step's own.
    """
    plain = [
        {
            "lord_name": step.lord_name,
            "tool_name": step.tool_name,
            "params": given,
            "max_attempts": step.max_attempts,
            "timeout_seconds": step.timeout_seconds,
            "backoff_seconds": step.backoff_seconds,
            "queue": step.queue,
        }
        for step, given in zip(stack, params or [step.params for step in stack], strict=True)
    ]
    return encode(plain, what="execution_stack", limit=limits.stack, depth=MAX_STATE_DEPTH)
