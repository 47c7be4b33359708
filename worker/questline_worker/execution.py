"""Runs one handler for one claim and says how that went. It writes nothing."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from concurrent.futures import _base as futures
from dataclasses import dataclass
from typing import Any

from questline_persistence.claims import Claim
from questline_persistence.errors import PayloadError
from questline_persistence.failpoints import failpoint
from questline_persistence.payload import encode
from questline_persistence.repository import QuestRepository
from questline_persistence.retries import backoff
from questline_worker.context import LordContext
from questline_worker.event_loop import EventLoop
from questline_worker.lords import Handler, find_handler
from questline_worker.outcomes import Dropped, Failed, Outcome, Permanent, Retry, StepCancelled, Succeeded
from questline_worker.outputs import Outputs
from questline_worker.parameters import fill
from questline_worker.running import RunningStep

#: Longest error text kept with a run, in characters; the middle of a longer one is left out.
MAX_ERROR = 16_000


class Execution:
    """Calls handlers.

    Parameters:
      repository: where earlier outputs are read.
      loop: where async handlers run.
    """

    def __init__(self, repository: QuestRepository, loop: EventLoop) -> None:
        self._repository = repository
        self._loop = loop
        self._limit = repository.database.limits.output

    def run(self, step: RunningStep) -> Outcome:
        """Run the handler of a claimed step; every way in which that can go is an outcome, never an exception."""
        claim = step.claim
        context = LordContext(claim, Outputs(self._repository, claim), step.still_held)
        try:
            output = self._call(step, context)
            failpoint("worker.effect")
            text = encode(output, what=f"the output of {claim.handler}", limit=self._limit)
        except (StepCancelled, CancelledError):
            return (
                Dropped() if step.lost else Failed(_described(StepCancelled("the step was cancelled")), _retry(claim))
            )
        except (Permanent, PayloadError) as error:
            return Failed(_described(error), None)
        except Retry as error:
            return Failed(_described(error), _retry(claim, error.after))
        except BaseException as error:  # noqa: BLE001  (a handler may raise SystemExit too; none of it may end the worker)
            return Failed(_described(error), _retry(claim))
        return Succeeded(text, context.pushed)

    def _call(self, step: RunningStep, context: LordContext) -> Any:
        handler = _handler(step.claim)
        sources = (step.claim.params, context.input_data, context.outputs) if handler.parameters else ()
        arguments = fill(handler.parameters, sources)
        failpoint("worker.body")
        output = handler.function(context, **arguments)
        # Asked of the value, not of the function: a decorator may have hidden that the function is async.
        return self._awaited(step, output) if inspect.iscoroutine(output) else output

    def _awaited(self, step: RunningStep, coroutine: Coroutine[Any, Any, Any]) -> Any:
        future = self._loop.submit(_contained(_timed(coroutine, step.claim.timeout_seconds)))
        step.cancel_with(future)
        output = future.result()
        if isinstance(output, _Exit):
            raise output.error
        return output


@dataclass(frozen=True, slots=True)
class _Exit:
    """What a coroutine raised that asyncio would let end the event loop, and with it all other steps on it."""

    error: SystemExit | KeyboardInterrupt


async def _contained(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what `coroutine` returns, or its wish to end the process."""
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        return _Exit(error)


def _handler(claim: Claim) -> Handler:
    handler = find_handler(claim.handler)
    if handler is None:
        raise Permanent(f"this worker does not know {claim.handler}")
    return handler


async def _timed(coroutine: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """Await `coroutine` for at most `seconds`, then cancel it."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(f"timed out after {seconds:g} s") from None
        raise


def _retry(claim: Claim, after: float | None = None) -> float | None:
    """Return the wait before the next attempt, or None when all are spent."""
    wait = backoff(claim.attempt, claim.max_attempts, claim.backoff_seconds)
    return wait if wait is None or after is None else after


def _described(error: BaseException) -> str:
    """Return an error as its summary, and below it the traceback from the handler on, with causes and groups."""
    if isinstance(error, PayloadError):
        return error.advice
    summary = "".join(traceback.format_exception_only(error)).strip()
    told = traceback.TracebackException.from_exception(error)
    _leave_out_our_frames(told)
    text = f"{summary}\n\n{''.join(told.format())}".strip() if _has_frames(told) else summary
    text = text.replace(f"{Permanent.__module__}.", "")  # users know Permanent and Retry by another module's name
    if len(text) > MAX_ERROR:
        text = f"{text[: MAX_ERROR // 2]}\n…\n{text[-MAX_ERROR // 2 :]}"
    return text


def _leave_out_our_frames(told: traceback.TracebackException) -> None:
    """Keep the handler's frames only, also those of causes and of an exception group's members."""
    left = [told]
    while left:
        one = left.pop()
        one.stack = traceback.StackSummary.from_list(
            [frame for frame in one.stack if not frame.filename.startswith(_NOT_THEIRS)]
        )
        left += [inner for inner in (one.__cause__, one.__context__, *(one.exceptions or ())) if inner is not None]


def _has_frames(told: traceback.TracebackException) -> bool:
    return bool(told.stack or told.__cause__ or told.exceptions or (told.__context__ and not told.__suppress_context__))


#: Where the frames lie between our thread and the handler: our own code, and the future of an async handler.
_NOT_THEIRS = (__file__.rpartition("/")[0], futures.__file__)
