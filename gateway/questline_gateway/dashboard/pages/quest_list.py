"""The list of quests: filtered by its address, newest first, a page at a time."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response

from questline_gateway.dashboard.fleet import live_workers
from questline_gateway.dashboard.list_filter import ALWAYS, DEFAULT_SINCE, ListFilter, typed_words
from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import QuestNotFound
from questline_persistence.records import QuestFilter

#: Quests on one page.
PAGE = 50
#: Most matching quests that are counted.
MAX_COUNTED = 1_000
#: The views that stand above every list: a name, and the filter that it stands for.
VIEWS: tuple[tuple[str, dict[str, list[str]]], ...] = (
    ("All", {}),
    ("Live", {"status": ["new", "running", "waiting", "pausing"], "since": [ALWAYS]}),
    ("Failed", {"status": ["failed"], "since": [ALWAYS]}),
    ("Paused", {"status": ["paused", "pausing"], "since": [ALWAYS]}),
    ("Completed", {"status": ["completed"]}),
)


def quest_list(visit: Visit) -> Response:
    """Return a page of the quests that its address asks for."""
    asked = {name: visit.request.query_params.getlist(name) for name in visit.request.query_params}
    if typed := visit.asked("q").strip():
        return _searched(visit, ListFilter.of(asked), typed)
    chosen = ListFilter.of(asked)
    quests = chosen.quests(visit.now)
    page = visit.here.repository.page(quests, limit=PAGE, cursor=visit.asked("cursor") or None)
    if not page.items and not chosen.named and not visit.here.repository.page(limit=1).items:
        return first_quest(visit)
    return visit.page(
        "quests.html",
        chosen=chosen,
        chips=list(chosen.chips(visit)),
        items=page.items,
        next_cursor=page.next_cursor,
        matching=_matching(visit, quests, len(page.items), page.next_cursor),
        views=[(name, visit.url("quests", **query), ListFilter.of(query) == chosen) for name, query in VIEWS],
        default_since=DEFAULT_SINCE,
        always=ALWAYS,
        capped=MAX_COUNTED,
    )


def first_quest(visit: Visit) -> Response:
    """Return the page that teaches how to start the first quest."""
    return visit.page("empty.html", database=visit.here.database.url.get_backend_name(), workers=live_workers(visit))


def _matching(visit: Visit, quests: QuestFilter, shown: int, next_cursor: str | None) -> int:
    """Return how many quests match, counted to `MAX_COUNTED` and one more."""
    if next_cursor is None and not visit.asked("cursor"):
        return shown
    return len(visit.here.repository.matching(quests, limit=MAX_COUNTED + 1))


def _searched(visit: Visit, chosen: ListFilter, typed: str) -> Response:
    """Send on to the quest that was typed, or else to the list with what was typed added to its filter."""
    if " " not in typed:
        with suppress(QuestNotFound):
            return visit.go(visit.url("quests", visit.here.repository.full_id(typed)))
    query = chosen.query()
    for name, values in typed_words(typed).items():
        old = query[name]
        query[name] = values[-1] if isinstance(old, str) else [*old, *values]
    return visit.go(visit.url("quests", **query))
