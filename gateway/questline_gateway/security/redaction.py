"""What answers do not show: payloads to those who may not see them, and what the settings name to anybody.

It stands around the whole API, so that a route that is added shows no more than the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from questline_gateway.answers import json_bytes
from questline_gateway.security.principal import Principal
from questline_persistence.errors import PayloadError
from questline_persistence.payload import parse_path
from questline_persistence.settings import Settings

#: What stands in the place of a value that is not shown.
HIDDEN = "[hidden]"
#: The members in which people's data stand. Errors are among them: they quote what a step was given.
PAYLOADS = frozenset(
    {
        *("input_data", "output_data", "run_data", "output", "outputs", "params", "error", "error_message"),
        *("state_data", "metadata", "content", "context_data", "plan", "plan_json", "plan_result", "execution_result"),
        *("objective", "goal", "changes", "reversals", "progress_message", "before", "after", "set"),
    }
)
#: The members that hold what stands, or stood, at the `path` beside them.
_AT_PATH = frozenset({"old", "new", "before", "after"})
#: The member whose keys are paths.
_BY_PATH = "set"
_JSON = ("application/json", "application/problem+json")


class Veil:
    """Takes out of JSON data what is not shown.

    Parameters:
      keys: patterns of keys whose values nobody sees, in any case of letters.
      paths: paths whose values nobody sees; `*` stands for any key or number.
    """

    def __init__(self, keys: Sequence[str] = (), paths: Sequence[str] = ()) -> None:
        self._keys = tuple(pattern.lower() for pattern in keys)
        self._paths = tuple(tuple(path.split(".")) for path in paths)

    def over(self, content: Any, *, payloads: bool) -> Any:
        """Return JSON data as it is shown.

        Parameters:
          content: the data.
          payloads: whether payloads may be seen.
        """
        return self._shown(content, (), payloads=payloads)

    def hides(self, *, payloads: bool) -> bool:
        """Return whether anything is hidden.

        Parameters:
          payloads: whether payloads may be seen.
        """
        return not payloads or bool(self._keys or self._paths)

    def _shown(self, value: Any, path: tuple[str, ...], *, payloads: bool) -> Any:
        if isinstance(value, dict):
            return {
                key: HIDDEN
                if self._is_hidden(key, at, one, payloads=payloads)
                else self._shown(one, at, payloads=payloads)
                for key, at, one in _placed(value, path)
            }
        if isinstance(value, list):
            return [self._shown(one, (*path, str(n)), payloads=payloads) for n, one in enumerate(value)]
        return value

    def _is_hidden(self, key: str, path: tuple[str, ...], value: Any, *, payloads: bool) -> bool:
        if value is None:
            return False
        if not payloads and key in PAYLOADS:
            return True
        named = any(fnmatchcase(one.lower(), pattern) for one in {key, *path[-1:]} for pattern in self._keys)
        return named or any(_ends(path, hidden) for hidden in self._paths)


def _placed(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield each member with the path that leads to what it holds, which a correction tells by its own words."""
    told = _parts(value.get("path"))
    for key, one in value.items():
        if told and key in _AT_PATH:
            yield key, told, one
        elif path[-1:] == (_BY_PATH,):
            yield key, _parts(key) or (*path, key), one
        else:
            yield key, (*path, key), one


def _parts(text: Any) -> tuple[str, ...]:
    """Return the parts of a path; none where it cannot be read."""
    with suppress(PayloadError):
        return tuple(part.text for part in parse_path(text)) if isinstance(text, str) else ()
    return ()


def _ends(path: tuple[str, ...], hidden: tuple[str, ...]) -> bool:
    """Return whether a path ends with another: an answer may have a quest at any depth."""
    behind = path[-len(hidden) :]
    return len(behind) == len(hidden) and all(map(fnmatchcase, behind, hidden))


class Redaction:
    """Middleware that holds a veil over every answer of JSON.

    Parameters:
      app: the application inside.
      settings: say what is hidden from everybody.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._veil = Veil(settings.redact_keys, settings.redact_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        answer = _Held(scope, send, self._veil)
        await self._app(scope, receive, answer.send)


class _Held:
    """Sends an answer; one of JSON of which something is hidden is held back until it is whole."""

    def __init__(self, scope: Scope, send: Send, veil: Veil) -> None:
        self._scope = scope
        self._send = send
        self._veil = veil
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_veiled(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_veiled(self._start)

    async def _send_veiled(self, start: Message) -> None:
        shown = self._body
        if shown:
            shown = bytearray(json_bytes(self._veil.over(json.loads(bytes(shown)), payloads=self._payloads)))
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(shown)).encode()))
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": bytes(shown)})

    def _is_veiled(self, message: Message) -> bool:
        kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
        is_json = kind.decode("latin-1").partition(";")[0].strip() in _JSON
        # Nobody is known where nothing is guarded: the description of the API, and refusals.
        return is_json and self._principal is not None and self._veil.hides(payloads=self._payloads)

    @property
    def _principal(self) -> Principal | None:
        found: Principal | None = self._scope["state"].get("principal")
        return found

    @property
    def _payloads(self) -> bool:
        return self._principal is None or self._principal.payloads
