"""The audit: who did what, to which quest, when, why and from where; and the keys by which people come."""

from __future__ import annotations

from starlette.responses import Response

from questline_gateway.dashboard.visit import Visit
from questline_persistence import shown_times
from questline_persistence.audit import Actor, AuditFilter, AuditLog, AuditVerb, Door
from questline_persistence.keys import Keys

#: Entries on one page.
PAGE = 50


def audit(visit: Visit) -> Response:
    """Return a page of what was done, newest first, as its address asks for it."""
    asked = {name: visit.asked(name).strip() for name in ("quest", "actor", "verb", "since")}
    chosen = AuditFilter(
        quest_id=asked["quest"] or None,
        actor=asked["actor"] or None,
        verb=asked["verb"] or None,
        since=shown_times.read_moment(asked["since"], visit.now) if asked["since"] else None,
    )
    log = AuditLog(visit.here.database, visit.here.namespace)
    page = log.page(chosen, limit=PAGE, cursor=visit.asked("cursor") or None)
    return visit.page(
        "audit.html", asked=asked, verbs=list(AuditVerb), entries=page.items, next_cursor=page.next_cursor
    )


def keys(visit: Visit) -> Response:
    """Return the keys of the namespace, without their secrets; they are made and revoked by command."""
    found = Keys(visit.here.database, visit.here.namespace, Actor("dashboard", Door.DASHBOARD)).list()
    return visit.page("keys.html", keys=[(key, key.state(visit.now)) for key in found])
