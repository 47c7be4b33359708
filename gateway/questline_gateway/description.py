"""The description of the API by itself: OpenAPI 3.1, the same whatever the settings are."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from questline_gateway.api import schemas

#: How each route may fail.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    span: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for span, description in (
        ("4XX", "The request cannot be answered so; `code` and `hint` tell why."),
        ("5XX", "The store does not answer, or an error that nobody foresaw."),
    )
}
_TAGS = {
    "quests": "Submit quests, list them, and look at what they have been through.",
    "verbs": "Steer a quest. `If-Match` binds a verb to the version that was seen.",
    "live": "Follow quests as server-sent events.",
    "batches": "One verb over all quests that a filter means, done quest by quest, with a result for each.",
    "overview": "Numbers and lists about a whole namespace.",
    "memory": "What Lords remember.",
    "security": "Keys: who may do what.",
    "runs": "The run history: every quest as a run, and those that programs have recorded.",
    "simple": "Quests in the fewest words.",
}


def describe(app: FastAPI) -> None:
    """Have an application describe itself, with the shapes of its answers.

    Parameters:
      app: the application, complete but for this.
    """

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _described(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        tags=[{"name": name, "description": told} for name, told in _TAGS.items()],
    )
    components = found.setdefault("components", {}).setdefault("schemas", {})
    found["components"]["schemas"] = dict(sorted((components | schemas()).items()))
    return found
