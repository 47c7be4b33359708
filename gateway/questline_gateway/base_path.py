"""The path under which the gateway is reached, also where a proxy in front of it has taken that away."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class BasePath:
    """Middleware that puts a base path before every address, and takes it from requests that still have it.

    Parameters:
      app: the application inside.
      path: the base path, such as `/quests`; "" for none.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._path and scope["type"] == "http":
            scope = {**scope, "root_path": scope.get("root_path", "") + self._path}
        await self._app(scope, receive, send)
