"""Sessions of browsers: a signed cookie that names a key, so that the key itself stays out of the browser.

A session ends with its time, and as soon as its key is revoked or expires.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

#: The name of the cookie.
COOKIE = "questline_session"
#: Seconds for which a session lasts.
SESSION_SECONDS = 12 * 3_600
#: Random bytes of a signature's key that nobody has set.
KEY_BYTES = 32

_FORM = re.compile(r"([0-9a-f]{12})\.(\d{10,12})\.([0-9a-f]{64})")


class Sessions:
    """Gives and reads session cookies.

    Parameters:
      signing_key: what they are signed with; "": a fresh one, and sessions end with the process.
    """

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key.encode() or secrets.token_bytes(KEY_BYTES)

    def key_of(self, request: Request) -> str | None:
        """Return the id of the key by which a browser has logged in; None where it has not, or long ago.

        Parameters:
          request: the request.
        """
        found = _FORM.fullmatch(request.cookies.get(COOKIE, ""))
        if found is None or not hmac.compare_digest(self._signed(found[1], found[2]), found[3]):
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
        value = f"{key_id}.{until}.{self._signed(key_id, until)}"
        response.set_cookie(
            COOKIE,
            value,
            max_age=SESSION_SECONDS,
            path=request.scope.get("root_path", "") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def end(self, request: Request, response: Response) -> None:
        """Have a browser forget its session.

        Parameters:
          request: the request.
          response: the answer.
        """
        response.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/", httponly=True, samesite="strict")

    def _signed(self, key_id: str, until: str) -> str:
        return hmac.new(self._key, f"{key_id}.{until}".encode(), hashlib.sha256).hexdigest()
