"""The scope that a router needs, declared once for the whole of it."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request

from questline_gateway.security.access import Access
from questline_persistence.errors import NotAllowed
from questline_persistence.keys import Scope


def needs(scope: Scope, *, payloads: bool = False) -> Any:
    """Return the dependency by which a router lets in only callers that have a scope.

    Parameters:
      scope: the scope.
      payloads: whether they must be allowed to see payloads, too.
    """
    return Depends(_Guard(scope, payloads=payloads))


def admit(request: Request, scope: Scope, *, payloads: bool = False) -> None:
    """Let a request in.

    Parameters:
      request: the request.
      scope: the scope that it needs.
      payloads: whether it needs the right to see payloads.

    Raises:
      HTTPException: it needs a key (401).
      NotAllowed: whoever sends it may not do this.
    """
    access: Access = request.app.state.access
    principal = access.principal_of(request)
    if not principal.may(scope):
        raise NotAllowed(f"the key {principal.name} lacks the scope {scope}", hint=_HINT.format(f"--scope {scope}"))
    if payloads and not principal.payloads:
        raise NotAllowed(f"the key {principal.name} may not see payloads", hint=_HINT.format("--payloads"))


_HINT = "make one that has it: questline keys create NAME {}"


class _Guard:
    """Lets a request in, or not."""

    def __init__(self, scope: Scope, *, payloads: bool) -> None:
        self.scope = scope
        self.payloads = payloads

    def __call__(self, request: Request) -> None:
        """Let a request in that has the scope."""
        admit(request, self.scope, payloads=self.payloads)
