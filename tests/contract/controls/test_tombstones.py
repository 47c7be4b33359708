"""A quest with the id of a deleted one goes on behind it: no idempotency key and no fence comes a second time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.controls import removal
from questline_persistence.errors import QuestConflict
from questline_persistence.journal import Submitted, prepare_quest, submit_one
from questline_persistence.journal.submission import submit, submit_many, submit_within
from questline_persistence.models import LordStep
from questline_persistence.schema import tombstones
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, lost_reply, quest, refused_commit, statements
from tests.waiting import eventually

#: An id that is used again and again.
AGAIN = "order-17"

Door = Callable[[Workbench], object]


def arrival(bench: Workbench, quest_id: str = AGAIN) -> Any:
    return prepare_quest(quest("a", "b", quest_id=quest_id), namespace=bench.namespace, now=bench.clock.now())


def within(bench: Workbench) -> None:
    with bench.database.engine.begin() as connection:
        submit_within(connection, [arrival(bench)])


def saved(bench: Workbench) -> None:
    bench.repository.save_quest(quest("a", "b", quest_id=AGAIN))
    bench.controls.resume(AGAIN)


#: Every way in which an id comes into the store.
DOORS: dict[str, Door] = {
    "submit": lambda bench: submit(bench.database, arrival(bench)),
    "submit_many": lambda bench: submit_many(bench.database, [arrival(bench, AGAIN + "-b"), arrival(bench)]),
    "submit_many of one": lambda bench: submit_many(bench.database, [arrival(bench)]),
    "submit within": within,
    "save": saved,
    "fork": lambda bench: bench.fork(bench.submit("a", "b"), new_id=AGAIN),
}


def seen(bench: Workbench, quest_id: str = AGAIN) -> list[tuple[str, int]]:
    """Run a quest of two steps to its end, and return the key and the fence of each claim."""
    claims = []
    for _ in range(2):
        claim = bench.claim(quest_id)
        bench.finish(claim, 1)
        claims.append((claim.idempotency_key, claim.fence))
    return claims


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("how", ["delete", "prune"])
def test_no_key_and_no_fence_of_a_deleted_quest_comes_again(bench: Workbench, door: str, how: str) -> None:
    found = []
    for number in range(3):
        DOORS[door](bench)
        found += seen(bench)
        if number == 1:  # the deleted one may have been replayed
            bench.replay(AGAIN)
            found += seen(bench)
        bench.clock.advance(1)
        if how == "prune":
            assert AGAIN in bench.repository.prune(bench.clock.now(), [ExecutionStatus.COMPLETED])
        else:
            assert bench.repository.delete_quest(AGAIN)
        bench.controls.cancel(AGAIN + "-b") if door == "submit_many" else None
        bench.repository.delete_quest(AGAIN + "-b")

    keys, fences = [key for key, _ in found], [fence for _, fence in found]
    assert len(set(keys)) == len(keys) == 8
    assert fences == sorted(set(fences))
    assert [row.epoch for row in bench.rows(tombstones, AGAIN)] == [3]


@pytest.mark.parametrize("door", ["submit", "submit_many", "submit_many of one"])
def test_the_bell_of_a_quest_whose_id_was_used_before_names_its_ticket(bench: Workbench, door: str) -> None:
    for _ in range(2):
        told: Any = DOORS[door](bench)
        submitted: Submitted = told[-1] if isinstance(told, list) else told
        bell, ticket = submitted.doorbell, bench.ticket(AGAIN)
        assert submitted.created
        assert bell is not None
        assert (bell.epoch, bell.position, bell.fence) == (ticket.epoch, ticket.position, ticket.fence)
        for quest_id in bench.quest_ids():
            bench.controls.cancel(quest_id)
            bench.repository.delete_quest(quest_id)


def test_a_submission_whose_reply_was_lost_is_told_with_the_epoch_that_it_began(bench: Workbench) -> None:
    submit(bench.database, arrival(bench))
    bench.controls.cancel(AGAIN)
    bench.repository.delete_quest(AGAIN)
    rows = arrival(bench)
    with lost_reply(bench.database):
        again = bench.database.write(lambda connection: submit_one(connection, rows))

    assert again.created
    assert again.doorbell is not None
    assert (again.doorbell.epoch, again.doorbell.fence) == (1, bench.ticket(AGAIN).fence)


def test_a_tombstone_holds_no_content(bench: Workbench) -> None:
    bench.submit(LordStep("a", "work", params={"secret": 1}), quest_id=AGAIN, input_data={"secret": 1})
    bench.controls.cancel(AGAIN)
    bench.repository.delete_quest(AGAIN)

    (row,) = bench.rows(tombstones, AGAIN)
    assert set(row._mapping) == {"quest_id", "namespace", "epoch", "fence", "deleted_at"}
    assert "secret" not in str(row)


def test_a_deletion_that_came_to_nothing_leaves_no_tombstone(bench: Workbench) -> None:
    bench.submit("a", quest_id=AGAIN)
    with pytest.raises(QuestConflict):
        bench.repository.delete_quest(AGAIN)
    bench.controls.cancel(AGAIN)
    with (
        refused_commit(bench.database, lambda: bench.replay(AGAIN)),
        pytest.raises(QuestConflict, match="is running"),
    ):
        bench.repository.delete_quest(AGAIN)

    assert bench.rows(tombstones, AGAIN) == []


def test_a_submission_with_a_new_id_asks_for_no_tombstone_by_a_statement_of_its_own(bench: Workbench) -> None:
    with statements(bench.database) as sent:
        submit(bench.database, arrival(bench, "first"))
        submit_many(bench.database, [arrival(bench, f"q-{number}") for number in range(10)])

    alone = [statement for statement in sent if "tombstones" in statement and "INSERT" not in statement]
    assert len(alone) == (0 if bench.database.dialect.name == "sqlite" else 1)  # one for a batch, whatever its size


def test_a_quest_that_was_replayed_and_ended_anew_is_not_pruned(bench: Workbench) -> None:
    stays, goes, failed = bench.end("completed"), bench.end("completed"), bench.end("failed")
    bound = bench.clock.advance(LONG)
    assert set(bench.repository.lists.ended_before(bound, list(ExecutionStatus))) == {stays, goes, failed}
    bench.replay(stays)
    bench.clock.advance(1)
    bench.advance(stays, "anew")

    assert bench.repository.prune(bound, [ExecutionStatus.COMPLETED, ExecutionStatus.NEW]) == [goes]
    assert set(bench.quest_ids()) == {stays, failed}
    assert bench.repository.prune(bound, [ExecutionStatus.COMPLETED]) == []


def test_a_prune_takes_the_oldest_first_and_no_more_than_it_is_told(bench: Workbench) -> None:
    ended = []
    for _ in range(3):
        bench.clock.advance(1)
        ended.append(bench.end("cancelled"))
    bound = bench.clock.advance(LONG)

    assert bench.repository.prune(bound, [ExecutionStatus.CANCELLED], limit=2) == ended[:2]
    assert bench.quest_ids() == ended[2:]


def test_a_prune_whose_reply_was_lost_tells_what_it_removed(bench: Workbench) -> None:
    ended = {bench.end("completed"), bench.end("completed")}
    with lost_reply(bench.database):
        gone = bench.repository.prune(bench.clock.advance(LONG), [ExecutionStatus.COMPLETED])

    assert set(gone) == ended
    assert bench.quest_ids() == []


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Workbench]:
    """A workbench on PostgreSQL, where writers do not wait for each other."""
    bench = Workbench(postgres_url)
    yield bench
    bench.check()
    bench.close()


def _waits(bench: Workbench) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(bench.database.read(lambda connection: connection.execute(waiting).scalar_one()))


@pytest.mark.parametrize("door", ["submit", "submit_many", "submit_many of one", "submit within"])
def test_a_submission_during_the_deletion_of_its_id_repeats_no_key(postgres: Workbench, door: str) -> None:
    bench = postgres
    submit(bench.database, arrival(bench))
    first = seen(bench)
    bench.clock.advance(1)

    def submitted() -> bool:
        try:
            DOORS[door](bench)
        except QuestConflict:
            return False
        return True

    with ThreadPoolExecutor(1) as pool:
        with bench.database.engine.begin() as connection:
            removal.remove_quests(connection, "default", [AGAIN], now=bench.clock.now())
            rival = pool.submit(submitted)
            eventually(lambda: rival.done() or _waits(bench))
        if not rival.result():  # it was told that the id is taken, as it then was
            DOORS[door](bench)

    assert {key for key, _ in first}.isdisjoint(key for key, _ in seen(bench))


def test_a_prune_waits_for_nobody_and_leaves_alone_what_is_being_replayed(postgres: Workbench) -> None:
    bench = postgres
    replayed, goes = bench.end("completed"), bench.end("completed")
    bound = bench.clock.advance(LONG)
    with bench.database.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM quest_executions WHERE quest_id = :id FOR UPDATE"), {"id": replayed})
        assert bench.repository.prune(bound, [ExecutionStatus.COMPLETED]) == [goes]
    assert bench.quest_ids() == [replayed]


def test_a_tombstone_never_falls_back(bench: Workbench) -> None:
    """A release of before asks for no tombstone: its quest begins at the first epoch again, and is deleted in turn."""
    bench.submit("a", quest_id=AGAIN)
    bench.execute("INSERT INTO tombstones VALUES (:id, 'default', 5, 50, '')", id=AGAIN)
    bench.controls.cancel(AGAIN)
    assert bench.repository.delete_quest(AGAIN)
    bench.submit("a", quest_id=AGAIN)

    claim = bench.claim(AGAIN)
    assert claim.epoch > 5
    assert claim.fence > 50
