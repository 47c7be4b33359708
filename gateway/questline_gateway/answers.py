"""JSON as it is answered: the objects that the command line prints, whatever numbers they hold."""

from __future__ import annotations

import json
from typing import Any

import orjson
from starlette.responses import Response


def json_bytes(content: Any) -> bytes:
    """Return plain JSON data as text, its whole numbers exact however large.

    Parameters:
      content: the data.
    """
    try:
        return orjson.dumps(content)
    except TypeError:  # a whole number beyond 64 bits, which the standard library writes
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class Answer(Response):
    """An answer whose body is JSON.

    Parameters:
      content: plain JSON data.
      status_code: the status.
      headers: further headers.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json_bytes(content)
