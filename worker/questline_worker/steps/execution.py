"""Runs one handler for one claim and says how that went. It writes nothing."""

from __future__ import annotations

import asyncio
import decimal
import inspect
import os
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures import _base as futures
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from questline_persistence.backoff import backoff
from questline_persistence.claims import Claim, Dropped, Failed, GivenBack, Outcome, Snoozed, Succeeded
from questline_persistence.costs import Spent
from questline_persistence.errors import EncryptionError, PayloadError, summary_of, traceback_of
from questline_persistence.failpoints import failpoint
from questline_persistence.journal import recorded_calls
from questline_persistence.log import get_logger
from questline_persistence.memory.step import Remembering
from questline_persistence.payload import encode
from questline_persistence.records import QuestRepository
from questline_worker.forks import end_if_forked
from questline_worker.lords import (
    Handler,
    LordContext,
    OnceCalls,
    Outputs,
    Permanent,
    Put,
    Retry,
    Snooze,
    StepCancelled,
    capture,
    fill,
    find_handler,
    leaves,
    speaking,
)
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep, ids_of
from questline_worker.tracing import StepSpan, Tracing

#: Longest error text kept with a run, in characters; the middle of a longer one is left out.
MAX_ERROR = 16_000
#: How long nobody is told of a step that this process cannot read, in seconds: others may have the key.
UNREADABLE_SECONDS = 5.0

log = get_logger(__name__)


class Execution:
    """Calls handlers.

    Parameters:
      repository: where earlier outputs are read.
      put: takes each line that a step says while it runs.
      spend: notes what an attempt has spent, if it has, before its end is written.
      captures: whether what handlers print, or log by Python's own logging, counts among these.
      outputs: makes what a step finds of earlier outputs; None: what the store has of them.
    """

    def __init__(
        self,
        repository: QuestRepository,
        put: Put = lambda _: True,
        *,
        spend: Callable[[Spent], object] = lambda _: None,
        captures: bool = False,
        outputs: Callable[[Claim], Outputs] | None = None,
    ) -> None:
        self._repository = repository
        self._outputs = outputs or partial(Outputs, repository)
        self._put = put
        self._spend = spend
        self._captures = captures
        self._limit = repository.database.limits.output
        self._tracing = Tracing(repository)
        self._recorded = partial(recorded_calls, repository.database)

    def begin(self, step: RunningStep) -> Outcome | Pending:
        """Run the handler of a claimed step as far as a thread is needed; an async one is left to be awaited.

        Every way in which that can go is an outcome, never an exception.
        """
        remembering = Remembering(self._repository.database, step.claim.namespace, step.claim.quest_id)
        outputs = self._outputs(step.claim)
        calls = OnceCalls(step.claim, self._recorded, step.record_once, step.still_held)
        context = LordContext(step.claim, outputs, step.still_held, step.tell, remembering, calls=calls, put=self._put)
        own, pid = _own_context(), os.getpid()
        span = self._tracing.begin(step.claim, own)
        if self._captures:
            capture()
            own.run(speaking, context.said)
        conclude = partial(self._conclude, step, context, calls, span)
        try:
            output = own.run(_call, step.claim, context)
        except BaseException as error:  # noqa: BLE001  (a handler may raise SystemExit too; none of it may end the worker)
            end_if_forked(pid, error)
            return self._ended(step, context, span, _unsuccessful(step, error))
        end_if_forked(pid)
        # Asked of the value, not of the function: a decorator may have hidden that the function is async.
        if inspect.iscoroutine(output):
            return Pending(output, step.claim.timeout_seconds, conclude, own)
        return conclude(lambda: output)

    def _conclude(
        self, step: RunningStep, context: LordContext, calls: OnceCalls, span: StepSpan, result: Callable[[], Any]
    ) -> Outcome:
        """Return what became of a step whose handler is done, and end its span."""
        return self._ended(step, context, span, self._concluded(step, context, calls, result))

    def _ended(self, step: RunningStep, context: LordContext, span: StepSpan, outcome: Outcome) -> Outcome:
        """Return the outcome of a step whose handler is done, once what it has said and spent is passed on."""
        if by_model := context.spent_by_model:
            self._spend(Spent(step.claim, by_model, _goes_on(outcome)))
        context.close_log()
        return span.ended(outcome)

    def _concluded(
        self, step: RunningStep, context: LordContext, calls: OnceCalls, result: Callable[[], Any]
    ) -> Outcome:
        """Return what became of a step whose handler is done; `result` returns its output or raises its error."""
        try:
            output = result()
            failpoint("worker.effect")
            if isinstance(output, Snooze):
                return Snoozed(output.after)
            calls.finish()
            text = encode(output, what=f"the output of {step.claim.handler}", root="output", limit=self._limit)
        except BaseException as error:  # noqa: BLE001  (as above)
            return _unsuccessful(step, error)
        return Succeeded(text, context.also)


def _goes_on(outcome: Outcome) -> bool | None:
    """Return whether something of the quest is to begin behind an attempt; None where its plan tells."""
    if isinstance(outcome, Succeeded):
        return True if outcome.pushes else None
    return not (isinstance(outcome, Failed) and outcome.retry_in is None)


def _own_context() -> Context:
    """Return a copy of the thread's context variables: what one handler sets must not be there in the next one."""
    own = copy_context()
    own.run(lambda: decimal.setcontext(decimal.getcontext().copy()))  # its variable holds an object that changes
    return own


def _call(claim: Claim, context: LordContext) -> Any:
    """Call the handler of a claimed step with its arguments."""
    handler = _handler(claim)
    sources = (claim.params, context.input_data, context.outputs) if handler.parameters else ()
    arguments = fill(handler.parameters, sources)
    failpoint("worker.body")
    return handler.function(context, **arguments)


#: What a handler ends with that was cancelled, in its thread or on the event loop.
_CANCELLED = (StepCancelled, CancelledError, asyncio.CancelledError)


def _unsuccessful(step: RunningStep, error: BaseException) -> Outcome:
    """Return what becomes of a step whose handler, or whose output, met an error."""
    try:
        return _judged(step, error)
    except BaseException:  # noqa: BLE001  (an error's own attributes may raise when they are asked what it is)
        return Failed(summary_of(error), _retry(step.claim))


def _judged(step: RunningStep, error: BaseException) -> Outcome:
    """Return what becomes of a step by the kind of its error, or the kinds that a group of them holds."""
    claim, errors = step.claim, list(leaves(error))
    cancelled = [isinstance(one, _CANCELLED) for one in errors]
    if step.lost and any(cancelled):
        return Dropped()
    if all(cancelled):
        return Failed(_described(StepCancelled("the step was cancelled")), _retry(claim))
    if missing := {one.key_id for one in errors if isinstance(one, EncryptionError) and one.key_id}:
        log.warning("payload_unreadable", **ids_of(claim), lord=claim.lord_name, keys=sorted(missing))
        return GivenBack(quiet=UNREADABLE_SECONDS)
    if any(isinstance(one, Permanent | PayloadError | EncryptionError) for one in errors):
        return Failed(_described(error), None)
    snoozes = [one.after for one in errors if isinstance(one, Snooze)]
    if len(snoozes) == len(errors):
        return Snoozed(max(snoozes))
    waits = [one.after for one in errors if isinstance(one, Retry) and one.after is not None]
    return Failed(_described(error), _retry(claim, max(waits, default=None)))


def _handler(claim: Claim) -> Handler:
    handler = find_handler(claim.handler)
    if handler is None:
        raise Permanent(f"this worker does not know {claim.handler}")
    return handler


def _retry(claim: Claim, after: float | None = None) -> float | None:
    """Return the wait before the next attempt, or None when all are spent."""
    wait = backoff(claim.attempt, claim.max_attempts, claim.backoff_seconds)
    return wait if wait is None or after is None else after


def _described(error: BaseException) -> str:
    """Return an error as its summary, and below it the traceback from the handler on, with causes and groups."""
    if isinstance(error, PayloadError | EncryptionError):
        return error.advice
    summary, trace = summary_of(error), traceback_of(error, without=_NOT_THEIRS)
    text = summary if trace == summary else f"{summary}\n\n{trace}"
    text = text.replace(f"{Permanent.__module__}.", "")  # users know Permanent and Retry by another module's name
    if len(text) > MAX_ERROR:
        text = f"{text[: MAX_ERROR // 2]}\n…\n{text[-MAX_ERROR // 2 :]}"
    return text


#: Where the frames lie between our thread and the handler: our own code, and the future of an async handler.
_NOT_THEIRS = (__file__.rpartition("/")[0], futures.__file__)
