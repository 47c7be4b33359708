"""Batches as they are made, listed, and forgotten."""

from dataclasses import replace
from typing import Any

import pytest

from questline_persistence.batches import Batch, BatchBook, BatchOrder, BatchVerb, BatchWork, work
from questline_persistence.batches import book as book_module
from questline_persistence.errors import NotFound, PayloadError, QuestConflict
from questline_persistence.records import QuestFilter
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.contract.batches.conftest import order
from tests.contract.quests import Workbench


def test_a_preview_counts_and_names_and_changes_nothing(bench: Workbench, book: BatchBook) -> None:
    quests = [bench.end("failed") for _ in range(2)]
    bench.end("completed")

    found = book.preview(order("retry"))

    assert (found.total, found.total_capped, sorted(found.quest_ids)) == (2, False, sorted(quests))
    assert found.to_json()["filter"] == {"status": ["failed"], "quest_type": "test"}
    assert (book.page().items, bench.audit()) == ([], [])


def test_lists_of_batches_and_of_results_have_pages(bench: Workbench, book: BatchBook, runner: BatchRunner) -> None:
    quests = [bench.end("failed") for _ in range(3)]
    first = book.create(order("retry"))
    bench.clock.advance(1.0)
    second = book.create(order("retry"))
    runner.run_once()

    newest = book.page(limit=1)
    oldest = book.page(limit=1, cursor=newest.next_cursor)
    assert [page.items[0].batch_id for page in (newest, oldest)] == [second.batch_id, first.batch_id]
    assert oldest.next_cursor is None
    page = book.results(first.batch_id, limit=2)
    rest = book.results(first.batch_id, limit=2, cursor=page.next_cursor)
    assert [one.number for one in (*page.items, *rest.items)] == [1, 2, 3]
    assert {one.quest_id for one in (*page.items, *rest.items)} == {*quests}
    with pytest.raises(PayloadError, match="another list"):
        book.results(first.batch_id, outcome="failed", cursor=page.next_cursor)


def test_a_key_makes_one_batch_however_often_it_is_asked_for(bench: Workbench, book: BatchBook) -> None:
    bench.end("failed")
    made = book.create(BatchOrder(BatchVerb.RETRY, QuestFilter(since=bench.clock.now() - 60)), key="back up")
    bench.clock.advance(1.0)
    again = book.create(BatchOrder(BatchVerb.RETRY, QuestFilter(since=bench.clock.now() - 60)), key="back up")

    assert (made.repeated, again.repeated) == (False, True), "an age is another time at each call"
    assert again == replace(book.get(made.batch_id), repeated=True)
    assert len(book.page().items) == 1
    with pytest.raises(QuestConflict, match="asks for something else"):
        book.create(order("cancel"), key="back up")
    for key in ("", "x" * 256):
        with pytest.raises(PayloadError, match="1 to 255"):
            book.create(order("retry"), key=key)


def test_of_two_who_come_at_once_with_a_key_one_makes_the_batch(
    bench: Workbench, book: BatchBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Batch | None] = []
    look = book._earlier

    def late(key: str, wanted: BatchOrder) -> Batch | None:
        found = look(key, wanted)
        if not looked:  # the other one comes just behind this look
            looked.append(found)
            BatchBook(bench.database, bench.namespace, book.actor).create(order("retry"), key=key)
        return found

    monkeypatch.setattr(book, "_earlier", late)
    second = book.create(order("retry"), key="once")

    assert (looked, second.repeated) == ([None], True)
    assert [batch.batch_id for batch in book.page().items] == [second.batch_id]
    assert [entry.verb for entry in bench.audit()] == ["batch create"]


def test_no_more_than_so_many_batches_are_open(
    bench: Workbench, book: BatchBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "MAX_BATCHES", 1)
    first = book.create(order("retry"))

    with pytest.raises(QuestConflict, match="not ended"):
        book.create(order("retry"))
    book.abort(first.batch_id)

    book.create(order("retry"))
    assert len(book.page().items) == 2
    assert bench.audit()[0].verb == "batch create"


def test_batches_that_ended_long_ago_go_with_their_results(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    bench.end("failed")
    old = book.create(order("retry"))
    runner.run_once()
    bench.clock.advance(work.KEPT_SECONDS + 1.0)
    young = book.create(order("retry"))

    BatchWork(bench.database, bench.namespace).forget()

    assert [batch.batch_id for batch in book.page().items] == [young.batch_id]
    with pytest.raises(NotFound):
        book.get(old.batch_id)


@pytest.mark.parametrize(
    ("verb", "chosen", "options"),
    [
        ("retry", QuestFilter(), {}),
        ("pause", QuestFilter("new"), {"from_": "a"}),
        ("pause", QuestFilter("new"), {"set": {"input_data.a": 1}}),
        ("retry", QuestFilter("failed"), {"name": "x" * 101}),
        ("retry", QuestFilter("failed"), {"name": "two\nlines"}),
        ("retry", "failed", {}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(verb: str, chosen: Any, options: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        BatchOrder(BatchVerb(verb), chosen, **options)
