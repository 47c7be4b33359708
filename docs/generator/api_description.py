"""The description of the HTTP API, as the file that programs read it from."""

from __future__ import annotations

import json

from questline_gateway.app import create_app
from questline_persistence.settings import Settings
from questline_persistence.store import Database


def api_text() -> str:
    """Return the description of the API as OpenAPI 3.1, whatever settings this machine has."""
    database = Database(":memory:")
    try:
        described = create_app(Settings.model_construct(), database=database).openapi()
    finally:
        database.close()
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"
