"""The audit as it is read: newest first, by filter and page, of one namespace; and how it grows old."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.audit import Actor, AuditFilter, AuditLog
from questline_persistence.controls import Controls
from questline_persistence.errors import PayloadError
from tests.contract.quests import ACTOR, LONG, Workbench
from tests.model.statements import sent


def test_pages_follow_each_other_without_a_gap_also_within_one_moment(bench: Workbench) -> None:
    for _ in range(5):
        bench.end("cancelled")
    log, seen, cursor = AuditLog(bench.database, bench.namespace), [], None
    while True:
        page = log.page(limit=2, cursor=cursor)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break

    assert seen == bench.audit()
    assert [entry.audit_id for entry in seen] == sorted((entry.audit_id for entry in seen), reverse=True)


def test_a_filter_asks_for_quest_actor_verb_and_time(bench: Workbench) -> None:
    first = bench.submit("a")
    bench.controls.pause(first)
    at = bench.clock.advance(LONG)
    Controls(bench.database, bench.namespace, Actor("bo", "cli")).resume(first)
    second = bench.end("cancelled")

    def found(**asked: Any) -> list[tuple[str, str | None]]:
        page = AuditLog(bench.database, bench.namespace).page(AuditFilter(**asked))
        return [(entry.verb, entry.quest_id) for entry in page.items]

    assert found(quest_id=first) == [("resume", first), ("pause", first)]
    assert found(actor="bo") == [("resume", first)]
    assert found(verb=["pause", "cancel"]) == [("cancel", second), ("pause", first)]
    assert found(since=at) == [("cancel", second), ("resume", first)]
    assert found(until=at) == [("pause", first)]
    assert found(actor="nobody") == []


def test_i11_no_entry_of_another_namespace_is_seen_or_removed(
    bench: Workbench, open_bench: Callable[..., Workbench]
) -> None:
    quest_id = bench.end("cancelled")
    stranger = AuditLog(open_bench("stranger").database, "stranger")

    assert stranger.page().items == []
    assert stranger.page(AuditFilter(quest_id=quest_id)).items == []
    assert stranger.count(bench.clock.now() + LONG) == 0
    assert stranger.prune(bench.clock.now() + LONG, ACTOR) == 0
    assert len(bench.audit()) == 1


def test_old_entries_are_removed_and_that_is_noted(bench: Workbench) -> None:
    for _ in range(3):
        bench.end("cancelled")
    at, log = bench.clock.advance(LONG), AuditLog(bench.database, bench.namespace)
    young = bench.end("cancelled")

    assert log.count(at) == 3
    assert log.prune(at, ACTOR, reason="a year has passed") == 3
    assert log.prune(at, ACTOR) == 0

    told, kept = bench.audit()
    assert kept.quest_id == young
    assert (told.verb, told.subject, told.reason, told.outcome["entries"]) == ("prune", "audit", "a year has passed", 3)


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"verb": "pauze"}, "did you mean 'pause'"), ({"since": "noon"}, "epoch seconds"), ({"actor": 7}, "quotes")],
)
def test_a_filter_that_means_nothing_is_told(asked: Any, told: str) -> None:
    with pytest.raises(PayloadError) as refused:
        AuditFilter(**asked)

    assert told in (refused.value.advice or "")


def test_a_cursor_of_another_filter_is_refused(bench: Workbench) -> None:
    bench.end("cancelled")
    bench.end("cancelled")
    log = AuditLog(bench.database, bench.namespace)
    cursor = log.page(limit=1).next_cursor

    with pytest.raises(PayloadError, match="another list"):
        log.page(AuditFilter(actor="ada"), cursor=cursor)
    with pytest.raises(PayloadError, match="limit must be"):
        log.page(limit=0)


@pytest.mark.parametrize("given", ["", "a\nb", "x" * 201, "tab\there"])
def test_an_actor_has_a_name_of_one_printable_line(given: str) -> None:
    with pytest.raises(PayloadError, match="an actor's name"):
        Actor(given)


def test_an_actor_came_by_a_door_that_there_is() -> None:
    with pytest.raises(PayloadError, match="no door") as refused:
        Actor("ada", "window")

    assert "python" in refused.value.advice


def test_the_address_of_an_actor_breaks_no_line() -> None:
    with pytest.raises(PayloadError, match="address"):
        Actor("ada", "http", "10.0.0.1\r\nforged")


@pytest.mark.parametrize(
    ("asked", "index"),
    [({}, "newest"), ({"actor": "a"}, "actor"), ({"verb": "pause"}, "verb"), ({"quest_id": "q"}, "quest_id")],
)
def test_a_list_of_the_audit_is_read_in_the_order_of_an_index(sqlite_url: str, asked: Any, index: str) -> None:
    bench = Workbench(sqlite_url)
    with sent(bench.database) as found:
        AuditLog(bench.database, bench.namespace).page(AuditFilter(**asked))

    ((text, values),) = [one for one in found if "audit" in one[0]]
    with bench.database.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    bench.close()
    assert len(plan) == 1, "without a sort of its own"
    assert f"USING INDEX ix_audit_{index} (" in plan[0]
