"""What a list costs: every filter in every order goes by an index, and ends where it is told to."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import insert, text

from questline_persistence.clock import rfc3339
from questline_persistence.payload import CLEAR
from questline_persistence.records import QuestFilter, QuestSort
from questline_persistence.schema import quests, snapshots
from questline_persistence.states import LIVE, ExecutionStatus
from tests.contract.quests import Workbench
from tests.integration.persistence.looks import Observer

#: How many quests there are of each namespace, how many a page has, and how many it may look at.
MANY, PAGE, LOOKED = 2_000, 5, 40
#: Who has few quests in each status but the last: what is rare is what an order alone would look for in vain.
RARE = 100
INDEXES = {
    "ix_quest_executions_newest",
    "ix_quest_executions_status",
    "ix_quest_executions_updated",
    "pk_quest_executions",
}


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    """A workbench that does not look at every quest when the test is over: most are rows without a story.

    Its store encrypts nothing, since errors are looked for.
    """
    with closing(Workbench(database_url, codec=CLEAR)) as bench:
        quest_id = bench.submit("a")
        (row,), (start,) = bench.rows(quests, quest_id), bench.rows(snapshots, quest_id)
        ended = [status for status in ExecutionStatus if status not in LIVE]
        first = bench.clock.now()
        copies = [
            {
                **row._mapping,
                "namespace": namespace,
                "quest_id": f"{namespace}-{number}",
                "created_at": rfc3339(first + number),
                "updated_at": rfc3339(first + 2 * number),
                "status": ended[number % 2] if number > RARE else [*ExecutionStatus][number % len(ExecutionStatus)],
            }
            for namespace in (bench.namespace, "other")
            for number in range(1, MANY)
        ]
        bench.database.write(lambda own: own.execute(insert(quests), copies))
        given = {name: value for name, value in start._mapping.items() if name != "snapshot_id"}
        starts = [{**given, "quest_id": copy["quest_id"]} for copy in copies]
        bench.database.write(lambda own: own.execute(insert(snapshots), starts))
        bench.database.write(lambda own: own.execute(text("ANALYZE")))
        yield bench


def filters(bench: Workbench) -> dict[str, QuestFilter]:
    since = bench.clock.now() + 10
    by: dict[str, dict[str, Any]] = {
        "nothing": {},
        **{status: {"status": status} for status in ExecutionStatus},
        "several statuses": {"status": sorted(LIVE)},
        "type": {"quest_type": "rare"},
        "queue": {"queue": "rare"},
        "label": {"labels": {"team": "rare"}},
        "error": {"error": "rare"},
        "since": {"since": since},
        "until": {"until": since + 10},
        "a status and a type": {"status": "failed", "quest_type": "rare"},
    }
    return {name: QuestFilter(**words) for name, words in by.items()}


@pytest.mark.parametrize("sort", QuestSort)
def test_every_filter_goes_by_an_index_and_looks_at_no_more_than_it_may(bench: Workbench, sort: QuestSort) -> None:
    lists, observer = bench.repository.lists, Observer(bench.database)
    lists.page(None, limit=PAGE)  # the connection is there
    wrong = []
    for name, chosen in filters(bench).items():
        with observer.looking() as looks:
            lists.page(chosen, sort=sort, limit=PAGE, most_looked=LOOKED)
            lists.counted(chosen, sort=sort, limit=PAGE, most_looked=LOOKED)
        for look in (look for look in looks if " quest_executions" in look.statement):
            indexed = not name.startswith(("type", "queue", "label", "error", "a status and", "since", "until"))
            most = (PAGE + 1) * (len(ExecutionStatus) + 1) if indexed else (LOOKED + 1) * len(ExecutionStatus) + PAGE
            if not look.ways <= INDEXES or look.rows > most:
                wrong.append(f"{name}: {look}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("sort", QuestSort)
def test_what_no_index_leads_to_is_found_page_by_page(bench: Workbench, sort: QuestSort) -> None:
    change = quests.update().where(quests.c.quest_id.in_(["default-50", "default-51"])).values(quest_type="rare")
    bench.database.write(lambda own: own.execute(change))
    lists, chosen = bench.repository.lists, QuestFilter(quest_type="rare")
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = lists.page(chosen, sort=sort, limit=PAGE, cursor=cursor, most_looked=400)
        cursor, pages = page.next_cursor, pages + 1
        found += [quest.quest_id for quest in page.items]
        assert page.looked == (400 if cursor else None)

    whole = [quest.quest_id for quest in bench.repository.list_quests(quest_type="rare", sort=sort)]
    live = {quest.quest_id for quest in bench.repository.list_quests(sorted(LIVE), quest_type="rare")}
    assert found == whole
    assert set(found) == (live if sort is QuestSort.WAITING else {"default-50", "default-51"})


def test_counting_says_when_it_ended_early(bench: Workbench) -> None:
    lists = bench.repository.lists

    assert lists.counted(QuestFilter(), limit=10) == (10, True)
    assert lists.counted(QuestFilter(quest_type="rare"), limit=10, most_looked=LOOKED) == (0, True)
    assert lists.counted(QuestFilter(quest_type="rare"), limit=10) == (0, False)
    assert lists.counted(QuestFilter("paused"), limit=100, most_looked=LOOKED) == (13, False)
