"""All routers of the API; of those whose paths begin alike, the more special one comes first."""

from __future__ import annotations

from questline_gateway.api import (
    audit,
    batches,
    history,
    keys,
    memory,
    namespaces,
    overview,
    quests,
    removal,
    runs,
    simple_quests,
    steering,
    submissions,
)

ROUTERS = (
    submissions.router,
    steering.router,
    removal.router,
    *batches.ROUTERS,
    history.router,
    history.sayings,
    quests.router,
    overview.router,
    overview.limiting,
    namespaces.router,
    audit.router,
    runs.reading,
    runs.running,
    *memory.ROUTERS,
    keys.router,
    simple_quests.submissions,
    simple_quests.looks,
)
