"""The HTTP API, explained: every operation with its parameters, its answers, and a command that calls it."""

from __future__ import annotations

import json

from starlette.responses import Response

from questline_gateway.dashboard.operations import operations
from questline_gateway.dashboard.visit import Visit


def api(visit: Visit) -> Response:
    """Return the page of the API."""
    description = visit.request.app.openapi()
    url = visit.request.url
    base = f"{url.scheme}://{url.netloc}{visit.request.scope.get('root_path', '')}"
    return visit.page(
        "api.html",
        groups=operations(description, base),
        tags={tag["name"]: tag["description"] for tag in description["tags"]},
        shapes={name: json.dumps(shape, indent=2) for name, shape in description["components"]["schemas"].items()},
        about=description["info"]["summary"],
    )
