"""The description of the HTTP API, as the file that programs read it from."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from questline_gateway.app import create_app
from questline_persistence.settings import Settings
from questline_persistence.store import Database


@cache
def described() -> dict[str, Any]:
    """Return the description of the API as OpenAPI 3.1, whatever settings this machine has."""
    database = Database(":memory:")
    try:
        return create_app(Settings.model_construct(), database=database).openapi()
    finally:
        database.close()


def api_text() -> str:
    """Return the description as the text of a file."""
    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"
