"""All routers of the API; of those whose paths begin alike, the more special one comes first."""

from __future__ import annotations

from questline_gateway.api import history, quests, removal, steering, submissions

ROUTERS = (submissions.router, steering.router, removal.router, history.router, quests.router)
