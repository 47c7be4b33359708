"""Sessions of browsers: a signed cookie that names a key, so that the key itself stays out of the browser.

A session ends with its time, as soon as its key is revoked or expires, and in this process when somebody logs out.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict

from starlette.requests import Request
from starlette.responses import Response

#: The name of the cookie.
COOKIE = "questline_session"
#: Seconds for which a session lasts.
SESSION_SECONDS = 12 * 3_600
#: Random bytes of a signature's key that nobody has set.
KEY_BYTES = 32

#: Random bytes that tell a session from others of the same key.
OWN_BYTES = 8
#: Most ended sessions that are remembered, the last ones.
MAX_ENDED = 10_000

_FORM = re.compile(r"([0-9a-f]{12})\.([0-9]{10,12})\.([0-9a-f]{16})\.([0-9a-f]{64})")


class Sessions:
    """Gives and reads session cookies.

    Parameters:
      signing_key: what they are signed with; "": a fresh one, and sessions end with the process.
    """

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key.encode() or secrets.token_bytes(KEY_BYTES)
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def key_of(self, request: Request) -> str | None:
        """Return the id of the key by which a browser has logged in; None where it has not, or long ago.

        Parameters:
          request: the request.
        """
        found = self._shown(request)
        if found is None or found[4] in self._ended:
            return None
        return found[1] if int(found[2]) > time.time() else None

    def begin(self, request: Request, response: Response, key_id: str) -> None:
        """Have a browser keep a session.

        Parameters:
          request: the request by which it has logged in.
          response: the answer.
          key_id: the key that it has shown.
        """
        until = str(int(time.time()) + SESSION_SECONDS)
        own = secrets.token_hex(OWN_BYTES)
        value = f"{key_id}.{until}.{own}.{self._signed(key_id, until, own)}"
        response.set_cookie(
            COOKIE,
            value,
            max_age=SESSION_SECONDS,
            path=request.scope.get("root_path", "") or "/",
            secure="https" in {request.url.scheme, request.headers.get("origin", "").partition(":")[0]},
            httponly=True,
            samesite="strict",
        )

    def end(self, request: Request, response: Response) -> None:
        """End a session, and have its browser forget it.

        Parameters:
          request: the request.
          response: the answer.
        """
        found = self._shown(request)
        if found is not None:
            with self._lock:
                self._ended[found[4]] = None
                if len(self._ended) > MAX_ENDED:
                    self._ended.popitem(last=False)
        response.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/", httponly=True, samesite="strict")

    def _shown(self, request: Request) -> re.Match[str] | None:
        """Return the parts of a request's cookie: key, time, own part, signature; None where it is not one of ours."""
        found = _FORM.fullmatch(request.cookies.get(COOKIE, ""))
        if found is None or not hmac.compare_digest(self._signed(found[1], found[2], found[3]), found[4]):
            return None
        return found

    def _signed(self, *parts: str) -> str:
        return hmac.new(self._key, ".".join(parts).encode(), hashlib.sha256).hexdigest()
