"""Nothing crosses namespaces: what the other one does leaves every row as it is (I11 of docs/project/protocol.md)."""

from collections.abc import Callable

import pytest

from questline_persistence.claims import ClaimRequest
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.records import QuestFilter, short_ids, statistics
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, quest


@pytest.fixture
def stranger(open_bench: Callable[..., Workbench]) -> Workbench:
    """A workbench on the same store, in another namespace."""
    return open_bench("stranger")


def test_i11_no_worker_claims_a_step_of_another_namespace(bench: Workbench, stranger: Workbench) -> None:
    quest_id = bench.submit("a")

    assert stranger.journal.claim(ClaimRequest(quest_id, 0, "0001", "claim")) is None
    assert bench.ticket(quest_id).state == "ready"


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "replay", "fork"])
@pytest.mark.parametrize("how", ["new", "paused", "failed"])
def test_i11_no_verb_reaches_a_quest_of_another_namespace(
    bench: Workbench, stranger: Workbench, verb: str, how: str
) -> None:
    quest_id = bench.end("failed") if how == "failed" else bench.submit("a")
    if how == "paused":
        bench.controls.pause(quest_id)
    before = bench.everything(quest_id)

    with pytest.raises(QuestNotFound):
        getattr(stranger if verb in {"replay", "fork"} else stranger.controls, verb)(quest_id)
    assert bench.everything(quest_id) == before


def test_i11_no_quest_of_another_namespace_is_deleted(bench: Workbench, stranger: Workbench) -> None:
    quest_id = bench.end("completed")

    assert stranger.repository.delete_quest(quest_id) is False
    assert bench.status(quest_id) == "completed"


def test_i11_no_sweep_frees_claims_or_workers_of_another_namespace(bench: Workbench, stranger: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    before = bench.everything(quest_id), bench.register.all()
    swept = stranger.sweep.run(now=stranger.clock.advance(LONG))

    assert (swept.lost_workers, swept.freed) == ((), 0)
    assert (bench.everything(quest_id), bench.register.all()) == before
    assert stranger.register.all() == []
    assert stranger.register.forget(now=bench.clock.now() + 1_000 * LONG) == 0


def test_i11_no_loop_rings_or_wakes_a_step_of_another_namespace(bench: Workbench, stranger: Workbench) -> None:
    quest_id, waiting = bench.submit("a"), bench.submit("a")
    bench.execute("UPDATE tickets SET state = 'waiting' WHERE quest_id = :id", id=waiting)
    bench.bells.refuse(quest_id, 0, "0001", [])
    before = bench.ticket(quest_id), bench.ticket(waiting)
    bells = [one for one in [bench.send(quest("b")).doorbell] if one]
    stranger.clock.advance(LONG)

    assert stranger.bells.due() == []
    assert stranger.bells.wake() == 0
    assert stranger.bells.ring_all() == 0
    assert stranger.bells.ring_refused(["a:work"]) == 0
    assert not stranger.bells.refuse(quest_id, 0, "0001", ["b:work"])
    stranger.bells.ring_soon(bells)
    assert (bench.ticket(quest_id), bench.ticket(waiting)) == before


def test_i11_a_worker_of_another_namespace_makes_no_refused_step_ring(bench: Workbench, stranger: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.ticket(quest_id).ring_at
    stranger.worker(handlers=["a:work"], lease=LONG)
    bench.bells.refuse(quest_id, 0, "0001", ["b:work"])

    assert bench.ticket(quest_id).ring_at == before


def test_i11_no_record_of_another_namespace_is_seen(bench: Workbench, stranger: Workbench) -> None:
    quest_id = bench.end("completed")
    bench.submit("a")
    records = stranger.repository

    for look in (records.load_quest, records.runs, records.snapshots, records.load_snapshot, records.full_id):
        with pytest.raises(QuestNotFound):
            look(quest_id)
    with pytest.raises(QuestNotFound):
        records.full_id("@last")
    assert records.load_latest_snapshot(quest_id) is None
    assert (records.list_quests(), records.lists.matching(QuestFilter())) == ([], [])
    assert records.lists.ended_before(bench.clock.now() + LONG, list(ExecutionStatus)) == []
    assert (records.get_quest_stats()["total_quests"], records.get_lord_stats(), records.live_handlers()) == (0, [], {})


def test_i11_what_is_told_of_a_namespace_s_newest_is_not_crowded_out_by_another(
    bench: Workbench, stranger: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, bound in ((statistics, "MAX_TIMED"), (statistics, "MAX_ATTEMPTS"), (short_ids, "MAX_LOOKED")):
        monkeypatch.setattr(module, bound, 3)
    monkeypatch.setattr(statistics, "MAX_LORDS", 1)
    quest_id, saved = bench.end("completed", "b"), quest("b")
    bench.end("failed", "b")
    bench.repository.save_quest(saved)
    bench.repository.save_lord_run(saved.quest_id, "b", "work", start_time=1.0, end_time=2.0)
    told = (bench.repository.get_quest_stats(), bench.repository.get_lord_stats())
    for lord in ("a", "b") * 4:
        stranger.clock.advance(1)
        stranger.end("completed", lord)

    assert (bench.repository.get_quest_stats(), bench.repository.get_lord_stats()) == told
    assert [(lord["lord_name"], lord["total_runs"], lord["errors"]) for lord in told[1]] == [("b", 3, 1)]
    assert told[0]["avg_duration_seconds"] is not None
    assert bench.repository.full_id(quest_id[-12:]) == quest_id


def test_i11_no_quest_of_another_namespace_is_saved_over(bench: Workbench, stranger: Workbench) -> None:
    data = quest("a")
    bench.repository.save_quest(data)
    before = bench.everything(data.quest_id)

    with pytest.raises(QuestConflict):
        stranger.repository.save_quest(data)
    for write in (stranger.repository.save_snapshot, lambda one: stranger.repository.save_lord_run(one, "a", "work")):
        with pytest.raises(QuestNotFound):
            write(data.quest_id)
    assert bench.everything(data.quest_id) == before


def test_i11_an_id_taken_in_another_namespace_is_a_conflict(bench: Workbench, stranger: Workbench) -> None:
    stranger.clock.time = bench.clock.time
    quest_id = bench.submit("a")

    with pytest.raises(QuestConflict):
        stranger.submit("a", quest_id=quest_id)
    assert bench.status(quest_id) == "new"


def test_i11_claims_of_a_worker_of_another_namespace_are_not_told(bench: Workbench, stranger: Workbench) -> None:
    journal = bench.worker()
    bench.claim(bench.submit("a"), journal)

    assert stranger.register.held([journal.worker_id]) == set()
