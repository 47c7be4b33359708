"""Batches: one verb over many quests, each tried once, with a result for each, whoever dies in the middle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from questline_persistence.audit import AuditFilter, AuditLog
from questline_persistence.batches import (
    BatchBook,
    BatchWork,
    LeftBatch,
    Place,
    Taken,
    do,
    meant,
    work,
)
from questline_persistence.errors import NotFound, QuestConflict
from questline_scheduler.loops import batch_runner
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.contract.batches.conftest import order
from tests.contract.quests import ACTOR, LONG, Workbench, lost_reply


class Died(BaseException):
    """Stands for the end of the process."""


def outcomes(book: BatchBook, batch_id: str) -> dict[str, str]:
    return {result.quest_id: result.outcome for result in book.results(batch_id).items}


def taken(bench: Workbench) -> tuple[BatchWork, Taken]:
    """Take up the batch that waits, as a process does."""
    own = BatchWork(bench.database, bench.namespace)
    found = own.take()
    assert found is not None
    return own, found


def test_a_batch_does_its_verb_to_every_quest_that_its_filter_means(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    failed, done = [bench.end("failed") for _ in range(3)], bench.end("completed")

    batch = book.create(order("retry", name="after the outage"), reason="it is back")
    runner.run_once()

    assert outcomes(book, batch.batch_id) == dict.fromkeys(failed, "changed")
    assert [bench.status(quest_id) for quest_id in (*failed, done)] == ["running"] * 3 + ["completed"]
    told = book.get(batch.batch_id).to_json()
    assert (told["state"], told["total"], told["done"], told["changed"]) == ("done", 3, 3, 3)
    assert (told["name"], told["reason"], told["actor"]) == ("after the outage", "it is back", ACTOR.name)
    assert told["started_at"] is not None
    assert told["ended_at"] is not None


@pytest.mark.parametrize(
    ("verb", "cases"),
    [("pause", (None, "paused")), ("cancel", (None, "cancelled")), ("replay", ("completed", "running"))],
)
def test_each_verb_is_done(
    bench: Workbench, book: BatchBook, runner: BatchRunner, verb: str, cases: tuple[str | None, str]
) -> None:
    ending, becomes = cases
    quest_id = bench.submit("a") if ending is None else bench.end(ending)

    batch = book.create(order(verb))
    runner.run_once()

    assert outcomes(book, batch.batch_id) == {quest_id: "changed"}
    assert bench.status(quest_id) == becomes


def test_paused_quests_are_resumed_and_ended_ones_deleted(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    paused, ended = bench.submit("a"), bench.end("completed")
    bench.controls.pause(paused)

    resumed, deleted = book.create(order("resume")), book.create(order("delete"))
    runner.run_once()
    runner.run_once()

    assert outcomes(book, resumed.batch_id) == {paused: "changed"}
    assert outcomes(book, deleted.batch_id) == {ended: "changed"}
    assert bench.quest_ids() == [paused]


def test_a_replay_starts_at_its_place_with_its_corrections(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    quest_id = bench.submit("a", "b", input_data={"city": "Rome"})
    bench.advance(quest_id, 1, 2)

    book.create(order("replay", from_="b", set={"input_data.city": "Oslo"}))
    runner.run_once()

    quest = bench.repository.load_quest(quest_id)
    assert (quest.input_data, quest.epoch, bench.ticket(quest_id).position) == ({"city": "Oslo"}, 1, "0002")


def test_what_a_quest_does_not_allow_is_its_result_and_the_batch_goes_on(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    cancelled, live, paused = bench.end("cancelled"), bench.submit("a"), bench.submit("a")
    bench.controls.pause(paused)

    batch = book.create(order("pause", ["cancelled", "new", "paused"]))  # type: ignore[arg-type]
    runner.run_once()

    assert outcomes(book, batch.batch_id) == {cancelled: "refused", live: "changed", paused: "unchanged"}
    (refused,) = book.results(batch.batch_id, outcome="refused").items
    assert refused.code == "conflict"
    assert refused.message is not None
    assert cancelled in refused.message
    assert book.get(batch.batch_id).to_json()["refused"] == 1


def test_what_nobody_foresaw_is_a_result_too(
    bench: Workbench, book: BatchBook, runner: BatchRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bench.end("failed"), bench.end("failed")

    def stumbling(own: BatchWork, batch: Taken, place: Place) -> Any:
        if place.quest_id == first:
            raise ZeroDivisionError("odd")
        return do(own, batch, place)

    monkeypatch.setattr(batch_runner, "do", stumbling)
    batch = book.create(order("retry"))
    runner.run_once()

    assert outcomes(book, batch.batch_id) == {first: "failed", second: "changed"}
    told = book.results(batch.batch_id).items[0].message or ""
    assert told.startswith("ZeroDivisionError")
    assert "odd" not in told


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_batch_goes_on_where_its_process_died_and_does_no_verb_twice(
    bench: Workbench, book: BatchBook, runner_on: Callable[..., BatchRunner], dies: str
) -> None:
    quests = [bench.end("failed") for _ in range(4)]
    batch = book.create(order("retry"))
    tried: list[str] = []

    def dying(own: BatchWork, found: Taken, place: Place) -> Any:
        tried.append(place.quest_id)
        if len(tried) == 3 and dies == "before":
            raise Died
        do(own, found, place)
        if len(tried) == 3:
            raise Died
        return ()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_runner, "do", dying)
        with pytest.raises(Died):
            runner_on(bench).run_once()
    for quest_id in quests[:2]:
        bench.fail(quest_id)  # again, so that a second retry would be possible
    assert runner_on(bench).run_once().batch_id is None  # the lease of the dead holds
    bench.clock.advance(LONG)
    runner_on(bench).run_once()

    assert outcomes(book, batch.batch_id) == dict.fromkeys(quests, "changed")
    assert [bench.status(quest_id) for quest_id in quests] == ["failed", "failed", "running", "running"]
    log = AuditLog(bench.database, bench.namespace).page(AuditFilter(verb="retry"))
    assert [entry.quest_id for entry in reversed(log.items)] == quests
    assert {(entry.actor, entry.subject) for entry in log.items} == {(ACTOR.name, batch.batch_id)}


@pytest.mark.parametrize("verb", ["pause", "delete", "retry"])
def test_a_verb_whose_commit_was_not_answered_is_done_and_noted_once(
    bench: Workbench, book: BatchBook, runner: BatchRunner, verb: str
) -> None:
    quest_id = bench.submit("a") if verb == "pause" else bench.end("failed")
    batch = book.create(order(verb))
    own, found = taken(bench)
    (place,) = own.following(found, found.reached)

    with lost_reply(bench.database), suppress(LeftBatch):
        runner._do(found, place)
    assert own.following(found, place) == []
    own.end(found)

    assert outcomes(book, batch.batch_id) == {quest_id: "changed"}
    assert [entry.verb for entry in bench.audit()] == [verb, "batch create"]


def test_two_processes_share_no_quest_even_when_both_think_the_batch_theirs(bench: Workbench, book: BatchBook) -> None:
    quests = [bench.end("failed") for _ in range(2)]
    batch = book.create(order("retry"))
    slow, was = taken(bench)
    places = slow.following(was, was.reached)
    bench.clock.advance(LONG)
    quick, now = taken(bench)
    do(quick, now, places[0])
    bench.fail(quests[0])

    with pytest.raises(LeftBatch):
        do(slow, was, places[0])

    assert bench.status(quests[0]) == "failed"
    assert outcomes(book, batch.batch_id) == {quests[0]: "changed"}
    assert not slow.end(was)


def test_a_quest_that_the_batch_has_come_to_is_not_done_again(bench: Workbench, book: BatchBook) -> None:
    first, second = bench.end("failed"), bench.end("failed")
    batch = book.create(order("retry"))
    own, found = taken(bench)
    places = own.following(found, found.reached)
    do(own, found, places[1])

    with pytest.raises(LeftBatch):
        do(own, found, places[0])

    assert [bench.status(first), bench.status(second)] == ["failed", "running"]
    assert outcomes(book, batch.batch_id) == {second: "changed"}


def test_an_aborted_batch_stops_between_two_quests(
    bench: Workbench, book: BatchBook, runner: BatchRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    quests = [bench.end("failed") for _ in range(3)]
    batch = book.create(order("retry"))

    def aborted_after_the_first(own: BatchWork, found: Taken, place: Place) -> Any:
        bells = do(own, found, place)
        book.abort(batch.batch_id, reason="wrong ones")
        return bells

    monkeypatch.setattr(batch_runner, "do", aborted_after_the_first)
    runner.run_once()

    assert runner.run_once().batch_id is None
    assert [bench.status(quest_id) for quest_id in quests] == ["running", "failed", "failed"]
    assert outcomes(book, batch.batch_id) == {quests[0]: "changed"}
    told = book.abort(batch.batch_id)
    assert (told.state, told.done, told.total) == ("aborted", 1, 3)
    assert [entry.verb for entry in bench.audit()] == ["batch abort", "retry", "batch create"]


def test_a_done_batch_cannot_be_aborted(bench: Workbench, book: BatchBook, runner: BatchRunner) -> None:
    bench.end("failed")
    batch = book.create(order("retry"))
    runner.run_once()

    with pytest.raises(QuestConflict, match="is done"):
        book.abort(batch.batch_id)


def test_quests_that_were_made_after_a_batch_are_not_meant(
    bench: Workbench, book: BatchBook, runner: BatchRunner
) -> None:
    before = bench.submit("a")
    batch = book.create(order("cancel"))
    bench.clock.advance(1.0)
    after = bench.submit("a")
    runner.run_once()

    assert outcomes(book, batch.batch_id) == {before: "changed"}
    assert bench.status(after) == "new"


def test_batches_take_turns_and_go_on_over_many_pages(
    bench: Workbench, book: BatchBook, runner_on: Callable[..., BatchRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MAX_LOOKED", 2)
    quests = [bench.submit("a") for _ in range(5)]
    first = book.create(order("pause"))
    bench.clock.advance(1.0)
    second = book.create(order("cancel"))
    brief = runner_on(bench, longest_run=0.0)

    turns = []
    for _ in range(4):
        turns.append(brief.run_once().batch_id)
        bench.clock.advance(1.0)
    for _ in range(2):
        runner_on(bench).run_once()

    assert turns == [first.batch_id, second.batch_id] * 2
    assert outcomes(book, second.batch_id) == dict.fromkeys(quests, "changed")
    assert {book.get(batch.batch_id).state for batch in (first, second)} == {"done"}


def test_a_batch_reaches_no_more_than_its_limit(
    bench: Workbench, book: BatchBook, runner: BatchRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (meant, work, batch_runner):
        monkeypatch.setattr(module, "MAX_QUESTS", 2)
    quests = [bench.submit("a") for _ in range(3)]
    batch = book.create(order("cancel"))
    runner.run_once()

    told = book.get(batch.batch_id)
    assert (told.state, told.done, told.total, told.total_capped) == ("done", 2, 2, True)
    assert sorted(bench.status(quest_id) for quest_id in quests) == ["cancelled", "cancelled", "new"]


def test_batches_of_another_namespace_are_not_seen_and_touch_nothing_here(
    bench: Workbench, book: BatchBook, runner: BatchRunner, open_bench: Callable[..., Workbench]
) -> None:
    other = open_bench("other")
    theirs = BatchBook(other.database, "other", ACTOR)
    mine, foreign = bench.submit("a"), other.submit("a")
    batch = theirs.create(order("cancel"))

    assert runner.run_once().batch_id is None
    for look in (book.get, book.abort, book.results):
        with pytest.raises(NotFound):
            look(batch.batch_id)
    assert book.page().items == []
    BatchRunner(BatchWork(other.database, "other"), runner._ringer).run_once()
    assert outcomes(theirs, batch.batch_id) == {foreign: "changed"}
    assert bench.status(mine) == "new"


def test_two_processes_at_once_do_each_quest_of_two_batches_once(
    bench: Workbench, book: BatchBook, open_bench: Callable[..., Workbench], runner_on: Callable[..., BatchRunner]
) -> None:
    quests = [bench.end("failed") for _ in range(6)]
    made = [book.create(order(verb)) for verb in ("retry", "cancel")]
    both = [runner_on(open_bench(), longest_run=0.0) for _ in range(2)]

    def work(runner: BatchRunner) -> None:
        while not all(book.get(batch.batch_id).ended for batch in made):
            runner.run_once()

    with ThreadPoolExecutor() as threads:
        list(threads.map(work, both))

    log = AuditLog(bench.database, bench.namespace).page(AuditFilter(verb="retry")).items
    assert sorted(entry.quest_id or "" for entry in log) == sorted(quests)
    assert outcomes(book, made[0].batch_id) == dict.fromkeys(quests, "changed")
    for batch in made:
        told = book.get(batch.batch_id)
        assert sum(told.outcomes.values()) == told.done == len(book.results(batch.batch_id).items)
