"""How many requests a caller may send: a token bucket for each key, and for each address that has shown none.

A key counts once it has been accepted: whoever makes up keys uses up the bucket of their address.
"""

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

    def knows(self, caller: str) -> bool:
        """Return whether a caller has a bucket."""
        return caller in self._left

    def open(self, caller: str, now: float) -> None:
        """Give a caller a full bucket who has none.

        Parameters:
          caller: the caller.
          now: the time, by a clock that only goes on.
        """
        if caller not in self._left:
            self._keep(caller, self.size, now)

    def wait(self, caller: str, now: float) -> float:
        """Take a request of a caller's; return 0.0, or after how many seconds it may send it.

        Parameters:
          caller: the caller.
          now: the time, by a clock that only goes on.
        """
        left, at = self._left.get(caller, (self.size, now))
        left = min(self.size, left + (now - at) * self.rate)
        allowed = left >= 1.0
        self._keep(caller, left - 1.0 if allowed else left, now)
        return 0.0 if allowed else (1.0 - left) / self.rate

    def _keep(self, caller: str, left: float, now: float) -> None:
        self._left[caller] = (left, now)
        self._left.move_to_end(caller)
        if len(self._left) > MAX_CALLERS:
            self._left.popitem(last=False)


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
        if scope["type"] != "http" or self._buckets is None:
            await self._app(scope, receive, send)
            return
        client, secret = scope.get("client"), _shown(scope)
        address = client[0] if client else ""
        own = None if secret is None else f"{address} {secret.key_id}"
        caller = own if own is not None and self._buckets.knows(own) else address
        wait = self._buckets.wait(caller, time.monotonic())
        if wait:
            await _too_many(scope, wait)(scope, receive, send)
            return
        scope.setdefault("state", {})
        await self._app(scope, receive, send)
        if own is not None and scope["state"].get("principal") is not None:
            self._buckets.open(own, time.monotonic())


def _shown(scope: Scope) -> Secret | None:
    """Return the key that a request shows, accepted or not; None where it shows none."""
    return Secret.read(Headers(scope=scope).get("authorization", "").partition(" ")[2])


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
