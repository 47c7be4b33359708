"""A recorded step, run again in this process to see what it does now: nothing of it is written to the store."""

from __future__ import annotations

import asyncio
import pdb  # noqa: T100  (to be run under it is asked for)
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from questline_persistence.audit import Actor
from questline_persistence.claims import Claim, Failed, OnceRecord, Outcome, Snoozed, Succeeded
from questline_persistence.controls import Change, Controls, Correction, PastStep, StartingPoint
from questline_persistence.costs import Cost, Spent
from questline_persistence.errors import ConfigurationError, QuestNotFound, suggestion
from questline_persistence.memory.merging import StateChange, difference
from questline_persistence.models import LordRun, LordStep
from questline_persistence.payload import decode
from questline_persistence.records import QuestHistory, QuestRepository
from questline_persistence.states import RunStatus
from questline_persistence.step_log import LineKind, LogLine
from questline_persistence.writes import Pushes, Remembered, Saves
from questline_worker.lords import Outputs, find_handler, known_handlers, replaced
from questline_worker.steps import Execution, Pending, RunningStep


@dataclass(frozen=True, slots=True)
class Probed:
    """What a recorded step does now, beside what it did.

    Parameters:
      claim: the made-up hold on the step.
      outcome: how it has ended now.
      recorded: the attempt that it is compared with: the last one of the step in that epoch; None if it has none.
      corrections: what was corrected before.
      notice: how the step was chosen, where its name was ambiguous; or None.
      calls: the calls of `ctx.once` that were made, because no attempt had recorded them.
      emitted: what it gave to `ctx.emit`.
      spent: what it told `ctx.cost`, which no budget hears of.
    """

    claim: Claim
    outcome: Outcome
    recorded: LordRun | None
    corrections: tuple[Change, ...]
    notice: str | None
    calls: tuple[str, ...]
    emitted: tuple[Any, ...]
    spent: Cost

    @property
    def status(self) -> str:
        """How it has ended now: "success", "error" or "put off"."""
        if isinstance(self.outcome, Succeeded):
            return str(RunStatus.SUCCESS)
        return "put off" if isinstance(self.outcome, Snoozed) else str(RunStatus.ERROR)

    @property
    def output(self) -> Any:
        """What the handler returned now; None where it did not succeed."""
        return decode(self.outcome.output) if isinstance(self.outcome, Succeeded) else None

    @property
    def error(self) -> str | None:
        """What it met now, with its traceback; None if nothing."""
        return self.outcome.error if isinstance(self.outcome, Failed) else None

    @property
    def retry_in(self) -> float | None:
        """In how many seconds it would run again; None if it would not."""
        if isinstance(self.outcome, Snoozed):
            return self.outcome.after
        return self.outcome.retry_in if isinstance(self.outcome, Failed) else None

    @property
    def pushed(self) -> tuple[LordStep, ...]:
        """The steps that it would have added."""
        return tuple(step for write in self._writes if isinstance(write, Pushes) for step in write.steps)

    @property
    def remembered(self) -> tuple[str, ...]:
        """What it would have kept: kinds and names, such as "agent state planner"."""
        return tuple(_name_of(write) for write in self._writes if not isinstance(write, Pushes))

    @property
    def _writes(self) -> tuple[Any, ...]:
        return self.outcome.also if isinstance(self.outcome, Succeeded) else ()

    @property
    def changes(self) -> list[StateChange]:
        """What leads from what was recorded to what it does now; nothing where nothing was recorded."""
        if self.recorded is None:
            return []
        told = self.recorded
        before = {"status": str(told.status), "output": told.output_data, "error": _first_line(told.error_message)}
        return difference(before, {"status": self.status, "output": self.output, "error": _first_line(self.error)})

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        claim = self.claim
        names = ("quest_id", "epoch", "version", "position", "lord_name", "tool_name")
        return {
            **{name: getattr(claim, name) for name in names},
            "attempt_number": claim.attempt,
            "corrections": [change._asdict() for change in self.corrections],
            "status": self.status,
            "output_data": self.output,
            "error_message": self.error,
            "retry_in": self.retry_in,
            "pushed": [step.to_json() for step in self.pushed],
            "remembered": [*self.remembered],
            "emitted": [*self.emitted],
            "spent": self.spent.to_json(),
            "once_made": [*self.calls],
            "recorded": None if self.recorded is None else self.recorded.to_json(),
            "changes": [change.to_json() for change in self.changes],
        }


class Probe:
    """Runs recorded steps of a namespace again, one at a time, and writes nothing to the store.

    A step finds its input, its params and the outputs that it found then. `ctx.once` gives what its attempts have
    recorded. What Lords remember is read as it is now.

    Parameters:
      repository: where it is recorded.
    """

    def __init__(self, repository: QuestRepository) -> None:
        self._repository = repository
        self._controls = Controls(repository.database, repository.namespace, Actor.of_process())
        self._history = QuestHistory(repository.database, repository.namespace)

    def run(
        self, quest_id: str, at: str | None = None, correction: Correction | None = None, *, debug: bool = False
    ) -> Probed:
        """Run a step again.

        Parameters:
          quest_id: the quest's whole id.
          at: the step, as `QuestClient.replay` names one; None means the one that was tried last.
          correction: corrections, as of `QuestClient.replay`.
          debug: whether the handler runs under pdb, from its first line on.

        Raises:
          QuestNotFound: there is no such quest or step, or none was tried yet.
          QuestConflict: the quest has not reached the step.
          PayloadError: a correction's path leads nowhere.
          ConfigurationError: this process does not know the step's Lord.
        """
        start = StartingPoint(at or self._tried_last(quest_id))
        past = self._controls.past_step(quest_id, start, correction or {})
        if find_handler(past.claim.handler) is None:
            raise ConfigurationError(f"this process does not know {past.claim.handler}", hint=_near(past.claim.handler))
        recorded = self._recorded(past.claim)
        past = replace(past, claim=replace(past.claim, attempt=1 if recorded is None else recorded.attempt_number))
        return self._run(past, recorded, debug=debug)

    def _run(self, past: PastStep, recorded: LordRun | None, *, debug: bool) -> Probed:
        calls: list[OnceRecord] = []
        lines: list[LogLine] = []
        spends: list[Spent] = []
        outputs = partial(Outputs, self._repository, known=past.run_data)
        execution = Execution(self._repository, partial(_kept, lines), spend=partial(_kept, spends), outputs=outputs)
        step = RunningStep(past.claim, lambda _: True, record=partial(_kept, calls))
        with redirect_stdout(sys.stderr), _debugged(past.claim.handler) if debug else _as_it_is():
            outcome = _ended(execution, step)
        emitted = tuple(line.value for line in lines if line.kind is LineKind.DATA)
        names = tuple(call.name for call in calls)
        spent = sum((cost for spend in spends for cost in spend.by_model.values()), Cost())
        return Probed(past.claim, outcome, recorded, past.changes, past.notice, names, emitted, spent)

    def _tried_last(self, quest_id: str) -> str:
        """Return the position of the step that was tried last."""
        runs = self._history.runs(quest_id, contents=False)
        for run in reversed(runs):
            if run.position is not None:
                return run.position
        raise QuestNotFound(f"no step of quest {quest_id} has been tried yet", hint="name one: --at 0001")

    def _recorded(self, claim: Claim) -> LordRun | None:
        """Return the last attempt of a step in the epoch in which it is taken up."""
        runs = self._history.runs(claim.quest_id, positions=[claim.position])
        own = (run for run in reversed(runs) if run.epoch == claim.epoch and not run.lost)
        return next((run for run in own if run.status in {RunStatus.SUCCESS, RunStatus.ERROR}), None)


def _ended(execution: Execution, step: RunningStep) -> Outcome:
    """Return how a step ends, whose handler may be async."""
    begun = execution.begin(step)
    if not isinstance(begun, Pending):
        return begun
    with asyncio.Runner() as runner:
        return begun.conclude(lambda: runner.run(begun.run(), context=begun.context))


def _kept(kept: list[Any], one: Any) -> bool:
    """Keep something for the answer, where a worker would have it written."""
    kept.append(one)
    return True


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _debugged(name: str) -> Iterator[None]:
    """Have a handler run under pdb for as long as the block lasts; it talks on stderr, since answers go to stdout."""
    handler = find_handler(name)
    assert handler is not None, "its caller has looked"  # noqa: S101  (for the type checker)
    with replaced(name, _stopping(handler.function)):
        yield


def _stopping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, and stops at its first line."""
    debugger = pdb.Pdb(stdout=sys.stderr)
    debugger.rcLines.append("step")  # from where it is set into the handler

    @wraps(function)
    def stop(*args: Any, **options: Any) -> Any:
        debugger.set_trace()
        return function(*args, **options)

    @wraps(function)
    async def stop_async(*args: Any, **options: Any) -> Any:
        debugger.set_trace()
        return await function(*args, **options)

    return stop_async if iscoroutinefunction(function) else stop


def _near(name: str) -> str:
    known = known_handlers()
    return suggestion(name, known, kind="Lords") if known else "name the module that registers it, with --module"


def _name_of(write: Remembered) -> str:
    name = write.key.name if isinstance(write, Saves) else write.entry_id
    return f"{write.kind.name} {name}"


def _first_line(text: str | None) -> str | None:
    return None if text is None else text.partition("\n")[0]
