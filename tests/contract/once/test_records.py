"""What calls within steps came to: kept under the claim, in its epoch, and by nobody else."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, select, text

from questline_persistence.claims import Claim
from questline_persistence.journal import RecordedCall, recorded_calls
from questline_persistence.schema import once
from tests.contract.once.records import record
from tests.contract.quests import LONG, Workbench, failure
from tests.waiting import eventually


def kept(bench: Workbench, claim: Claim) -> dict[str, str]:
    """Return what was recorded for a claim's step, by name."""
    return {call.name: call.result for call in recorded_calls(bench.database, claim).calls}


def test_a_record_is_there_for_the_next_attempt_and_tells_who_made_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)

    assert bench.journal.record_once(record(claim, ordinal=3, overlapped=True))
    bench.journal.fail(failure(claim))
    again = bench.claim(quest_id)

    assert recorded_calls(bench.database, again).calls == [RecordedCall("call", 3, overlapped=True, result='"done"')]
    (row,) = bench.rows(once, quest_id)
    assert (row.claim_id, row.attempt, row.started_at < row.ended_at) == (claim.claim_id, 1, True)


def test_a_claim_that_was_given_to_another_worker_records_nothing(bench: Workbench) -> None:
    """Invariant I30: no record is made by a claim that was gone."""
    quest_id = bench.submit("a")
    dead = bench.worker(lease=-LONG)
    zombie = bench.claim(quest_id, dead)
    bench.sweep.run()
    claim = bench.claim(quest_id)

    assert not dead.record_once(record(zombie))
    assert kept(bench, claim) == {}
    assert bench.journal.record_once(record(claim, result="2"))
    assert not dead.record_once(record(zombie))
    assert kept(bench, claim) == {"call": "2"}


def test_nothing_is_recorded_once_the_quest_was_cancelled_or_the_step_has_ended(bench: Workbench) -> None:
    cancelled, ended = bench.submit("a"), bench.submit("a", "b")
    first, second = bench.claim(cancelled), bench.claim(ended)
    bench.controls.cancel(cancelled)
    bench.finish(second)
    bench.claim(ended)

    assert not bench.journal.record_once(record(first))
    assert not bench.journal.record_once(record(second))
    assert bench.rows(once, cancelled) == bench.rows(once, ended) == []


def test_a_record_that_is_sent_again_finds_its_own(bench: Workbench) -> None:
    claim = bench.claim(bench.submit("a"))

    assert bench.journal.record_once(record(claim))
    assert bench.journal.record_once(record(claim))
    assert kept(bench, claim) == {"call": '"done"'}


def test_a_name_that_another_claim_has_recorded_stays_as_it_is(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.claim(quest_id)
    bench.journal.record_once(record(before, result="1"))
    bench.journal.release(before)
    claim = bench.claim(quest_id)

    assert not bench.journal.record_once(record(claim, result="2"))
    assert kept(bench, claim) == {"call": "1"}


def test_records_stay_through_a_failure_a_lost_worker_a_release_and_a_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim, "1"))
    bench.journal.fail(failure(claim))
    claim = bench.claim(quest_id, bench.worker(lease=-LONG))
    bench.journal.record_once(record(claim, "2"))
    bench.sweep.run()
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim, "3"))
    bench.controls.pause(quest_id)
    bench.journal.release(claim)
    bench.controls.resume(quest_id)

    assert sorted(kept(bench, bench.claim(quest_id))) == ["1", "2", "3"]


def test_a_retry_keeps_what_was_recorded_and_a_replay_begins_anew(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim))
    bench.journal.fail(failure(claim, retry_in=None))
    bench.controls.retry(quest_id)
    assert kept(bench, bench.claim(quest_id)) == {"call": '"done"'}

    bench.replay(quest_id)
    assert kept(bench, bench.claim(quest_id)) == {}
    assert len(bench.rows(once, quest_id)) == 1, "the history of the epoch before stays"


def test_a_fork_begins_anew(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim))
    bench.finish(claim)

    assert kept(bench, bench.claim(bench.fork(quest_id, "v0"))) == {}


def test_what_was_recorded_goes_with_its_quest(bench: Workbench) -> None:
    deleted, pruned, stays = (bench.submit("a") for _ in range(3))
    for quest_id in (deleted, pruned, stays):
        claim = bench.claim(quest_id)
        bench.journal.record_once(record(claim))
        if quest_id != stays:
            bench.finish(claim)
    assert bench.repository.delete_quest(deleted)
    bench.clock.advance(LONG)
    assert bench.repository.prune(bench.clock.now(), ["completed"]) == [pruned]

    rows = bench.database.read(lambda own: own.execute(select(once.c.quest_id)).scalars().all())
    assert rows == [stays]


def test_records_of_many_threads_are_committed_together_each_under_its_own_claim(bench: Workbench) -> None:
    claims = [bench.claim(bench.submit("a")) for _ in range(8)]
    bench.controls.cancel(claims[3].quest_id)
    together = threading.Barrier(len(claims) * 4)

    def make(number: int) -> bool:
        together.wait(30)
        return bench.journal.record_once(record(claims[number // 4], f"call {number % 4}"))

    with ThreadPoolExecutor(len(claims) * 4) as pool:
        made = list(pool.map(make, range(len(claims) * 4)))

    assert made == [number // 4 != 3 for number in range(len(claims) * 4)]
    assert [len(kept(bench, claim)) for claim in claims] == [0 if claim is claims[3] else 4 for claim in claims]


def test_whoever_ends_a_claim_waits_for_a_record_that_is_being_made_under_it(
    bench: Workbench, open_bench: Callable[..., Workbench]
) -> None:
    """Else the next claim would not see a record that is there."""
    quest_id, other = bench.submit("a"), open_bench()
    claim = bench.claim(quest_id)

    def recording(connection: Connection) -> Future[Any]:
        assert other.database.dialect.record_once(connection, [record(claim)])
        ending = pool.submit(bench.journal.fail, failure(claim))
        if connection.dialect.name == "postgresql":
            query = text("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            eventually(lambda: connection.execute(query).first(), message="the end of the claim did not wait")
        return ending

    with ThreadPoolExecutor(1) as pool:
        assert other.database.write(recording).result(timeout=30).won
    assert kept(bench, bench.claim(quest_id)) == {"call": '"done"'}
