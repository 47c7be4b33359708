"""The scopes of the API, each declared once for a whole router."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import Depends


class Scope(StrEnum):
    """What a caller may do; each scope stands by itself."""

    #: See quests, statistics, and what Lords remember.
    READ = "read"
    #: Submit quests.
    SUBMIT = "submit"
    #: Pause, resume, cancel, retry, replay and fork.
    CONTROL = "control"
    #: Delete for good, and manage keys.
    ADMIN = "admin"


def needs(scope: Scope) -> Any:
    """Return the dependency by which a router lets in only callers that have a scope.

    Parameters:
      scope: the scope.
    """
    return Depends(_Guard(scope))


class _Guard:
    """Lets a request in, or not; without keys, the gateway is bound to loopback, and everybody there may do all."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self) -> None:
        """Let everybody in."""
