"""Where else something is told of a quest: its logs and its trace, at addresses that the settings name."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from questline_gateway.dashboard.visit import Visit
from questline_persistence.models import QuestExecutionData
from questline_scheduler.tracing import TRACEPARENT

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Elsewhere(NamedTuple):
    """A page of another program: what it shows, and its address."""

    name: str
    href: str


def elsewhere(visit: Visit, quest: QuestExecutionData) -> list[Elsewhere]:
    """Return the pages of others about a quest; one whose address needs a trace is left out where there is none."""
    settings = visit.here.settings
    trace = _TRACEPARENT.fullmatch(quest.labels.get(TRACEPARENT, ""))
    found: list[Elsewhere] = []
    for name, address in (("Logs", settings.link_logs), ("Trace", settings.link_traces)):
        if address and (trace or "{trace_id}" not in address):
            told = address.replace("{trace_id}", trace[1] if trace else "")
            found.append(Elsewhere(name, told.replace("{quest_id}", quote(quest.quest_id, safe=""))))
    return found
