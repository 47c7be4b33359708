"""How many requests a caller may send: a token bucket for each key, and for each address that shows none."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from questline_gateway.problems import Problem
from questline_persistence.keys import Secret

#: Most callers that are counted; whoever was seen longest ago is forgotten, and begins with a full bucket again.
MAX_CALLERS = 10_000
#: Seconds' worth of requests that a caller may send at once.
BURST_SECONDS = 2.0


class Buckets:
    """Counts the requests of callers.

    Parameters:
      rate: how many a second each may send, for long.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.size = max(1.0, rate * BURST_SECONDS)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, now: float) -> float:
        """Take a request of a caller's; return 0.0, or after how many seconds it may send it.

        Parameters:
          caller: the caller.
          now: the time, by a clock that only goes on.
        """
        left, at = self._left.get(caller, (self.size, now))
        left = min(self.size, left + (now - at) * self.rate)
        allowed = left >= 1.0
        self._left[caller] = (left - 1.0 if allowed else left, now)
        self._left.move_to_end(caller)
        if len(self._left) > MAX_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self.rate


class RateLimit:
    """Middleware that sends callers away for a moment who send too much.

    Parameters:
      app: the application inside.
      rate: how many requests a second each caller may send; 0: any number.
    """

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app = app
        self._buckets = Buckets(rate) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and self._buckets is not None:
            wait = self._buckets.wait(_caller(scope), time.monotonic())
            if wait:
                await _too_many(scope, wait)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _caller(scope: Scope) -> str:
    """Return who is counted: the address together with the key's id, so that nobody uses up what is another's."""
    client = scope.get("client")
    shown = Headers(scope=scope).get("authorization", "").partition(" ")[2]
    secret = Secret.read(shown)
    return f"{client[0] if client else ''} {secret.key_id if secret else ''}"


def _too_many(scope: Scope, wait: float) -> Problem:
    seconds = max(1, math.ceil(wait))
    return Problem(
        429,
        "too_many_requests",
        "too many requests from here",
        hint=f"send fewer, and the next one in {seconds} s",
        request_id=str(scope.get("state", {}).get("request_id", "")),
        headers={"Retry-After": str(seconds)},
    )
