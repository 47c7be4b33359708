"""`ctx.once`: calls whose results are committed at once, and served to later attempts of the same step."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from questline_persistence.claims import Claim, OnceRecord
from questline_persistence.errors import PayloadError
from questline_persistence.journal import Recorded
from questline_persistence.payload import Limit, decode, encode
from questline_persistence.store import Threads
from questline_worker.lords.once.call_order import Call, Calls, Earlier
from questline_worker.lords.once.trial import Trial
from questline_worker.lords.outcomes import OnceMismatch, StepCancelled

P = ParamSpec("P")
T = TypeVar("T")

#: The largest result of one call.
RESULT = Limit(1_000_000)
#: Threads of a process that ask the store for coroutines; what they hand in together is committed together.
ASKERS = 16

_askers = Threads("questline-once", ASKERS)


class OnceCalls:
    """The calls of one attempt of a step that run once. It is made where the handler is called, and reads only if used.

    Parameters:
      claim: the hold on the step.
      read: reads what earlier attempts of a claim's step have recorded.
      record: commits a record under its claim; tells whether that still held the step.
      still_held: tells whether the attempt still counts.
    """

    __slots__ = ("_calls", "_claim", "_earlier", "_read", "_reading", "_record", "_refused", "_still_held")

    def __init__(
        self,
        claim: Claim,
        read: Callable[[Claim], Recorded],
        record: Callable[[OnceRecord], bool],
        still_held: Callable[[], bool],
    ) -> None:
        self._claim = claim
        self._read = read
        self._record = record
        self._still_held = still_held
        self._calls = Calls()
        self._reading = threading.Lock()
        self._earlier: Earlier | None = None
        self._refused: OnceMismatch | None = None

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """Return what a call came to: in an earlier attempt, or now; to be awaited where the function is async.

        Parameters:
          name: the call's name.
          function: what is called.
          args: its arguments.
          options: its keyword arguments; `retries` and `timeout` are ours.
        """
        retries, timeout = _checked(options.pop("retries", 0), options.pop("timeout", None))
        call = self._calls.take(name)
        made = partial(function, *args, **options)
        trial = Trial(call.name, made, retries=retries, timeout=timeout, still_held=self._still_held)
        if _is_async(function):
            return self._awaited(call, trial)
        found = self._found(call)
        if found is None:
            began = self._claim.time()
            found = self._kept(call, trial.run(), began)
        return decode(found)

    async def _awaited(self, call: Call, trial: Trial) -> Any:
        found = await _asked(self._found, call) if self._earlier is None else self._found(call)
        if found is None:
            began = self._claim.time()
            found = await _asked(self._kept, call, await trial.run_async(), began)
        return decode(found)

    def finish(self) -> None:
        """Make sure, once the handler has returned, that all that was recorded has been asked for.

        Raises:
          OnceMismatch: it has not, or a call has met one that the handler has caught.
        """
        if self._refused is not None:
            raise self._refused
        if self._earlier is not None:
            self._earlier.refuse_unasked(self._calls.names)

    def _found(self, call: Call) -> str | None:
        """Return what a call came to in an earlier attempt, as JSON text; None where it is to be made now."""
        earlier = self._earlier_calls()
        try:
            found = earlier.find(call)
        except OnceMismatch as refused:
            self._refused = refused
            raise
        if found is None:
            earlier.count(call.name)
            return None
        return found.result

    def _earlier_calls(self) -> Earlier:
        with self._reading:
            if self._earlier is None:
                self._earlier = Earlier(self._read(self._claim))
            return self._earlier

    def _kept(self, call: Call, result: Any, began: float) -> str:
        """Commit what a call has returned, and return it as JSON text.

        Raises:
          PayloadError: it is not JSON, or too large.
          StepCancelled: the claim no longer holds the step, so that nothing was kept.
        """
        text = encode(result, what=f"the result of once({call.name!r})", root="result", limit=RESULT)
        self._earlier_calls().add(text)
        record = OnceRecord(self._claim, call.name, call.ordinal, call.overlapped, text, began, self._claim.time())
        if not self._record(record):
            raise StepCancelled(f"this attempt of {self._claim.idempotency_key} no longer counts")
        return text


def _checked(retries: Any, timeout: Any) -> tuple[int, float | None]:
    """Return the options of a call.

    Raises:
      PayloadError: one of them makes no sense.
    """
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise PayloadError(f"retries is a whole number from 0, not {retries!r:.100}")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < math.inf):
        raise PayloadError(f"timeout is a number of seconds above 0, or None, not {timeout!r:.100}")
    return retries, timeout


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


async def _asked(ask: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `ask` returns, called on a thread; it goes on there if the task is cancelled."""
    return await asyncio.wrap_future(_askers.submit(copy_context().run, partial(ask, *args, **kwargs)))
