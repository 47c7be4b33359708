"""The list of quests: filtered and ordered by its address, a page at a time."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response

from questline_gateway.dashboard import shell
from questline_gateway.dashboard.fleet import live_workers
from questline_gateway.dashboard.list_filter import ALWAYS, DEFAULT_SINCE, ListFilter, typed_words
from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import QuestNotFound
from questline_persistence.records import MAX_PASSED, Counted, QuestFilter, QuestSort
from questline_scheduler.quest_types import known_types

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
#: The orders of the list, each with what its head says and what the links to the pages around it do.
ORDERS: dict[str, tuple[str, str, str]] = {
    QuestSort.NEWEST: ("newest first", "Newest", "Older"),
    QuestSort.OLDEST: ("oldest first", "Oldest", "Newer"),
    QuestSort.UPDATED: ("last changed first", "Last changed", "Changed before"),
    QuestSort.WAITING: ("longest waiting first", "Longest waiting", "Waiting less"),
}


def quest_list(visit: Visit) -> Response:
    """Return a page of the quests that its address asks for."""
    asked = {name: visit.request.query_params.getlist(name) for name in visit.request.query_params}
    if typed := visit.asked("q").strip():
        return _searched(visit, ListFilter.of(asked), typed)
    chosen = ListFilter.of(asked)
    quests = chosen.quests(visit.now)
    sort = QuestSort.of(chosen.sort or QuestSort.NEWEST)
    page = visit.here.repository.lists.page(
        quests, sort=sort, limit=PAGE, cursor=visit.asked("cursor") or None, most_looked=MAX_PASSED
    )
    if not page.items and not chosen.named and not visit.here.repository.page(limit=1).items:
        return first_quest(visit)
    return visit.page(
        "quests.html",
        chosen=chosen,
        chips=list(chosen.chips(visit)),
        items=page.items,
        next_cursor=page.next_cursor,
        looked=page.looked,
        matching=_matching(visit, quests, sort, len(page.items), page.next_cursor),
        sort=sort,
        orders=ORDERS,
        views=[(name, visit.url("quests", **query), ListFilter.of(query) == chosen) for name, query in VIEWS],
        default_since=DEFAULT_SINCE,
        always=ALWAYS,
    )


def first_quest(visit: Visit) -> Response:
    """Return the page that teaches how to start the first quest."""
    types, modules = known_types(), visit.here.settings.lords
    return visit.page(
        "empty.html",
        database=visit.here.database.url.get_backend_name(),
        workers=live_workers(visit),
        types=types,
        modules=modules,
        command=shell.submission(types[0], modules) if types else "",
    )


def _matching(visit: Visit, quests: QuestFilter, sort: QuestSort, shown: int, next_cursor: str | None) -> Counted:
    """Return how many quests match, counted to `MAX_COUNTED`, and whether there are more."""
    if next_cursor is None and not visit.asked("cursor"):
        return Counted(shown, more=False)
    return visit.here.repository.lists.counted(quests, sort=sort, limit=MAX_COUNTED, most_looked=MAX_PASSED)


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
