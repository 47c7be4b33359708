from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Row, insert
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Checkpoint, Claim, Settled, Succeeded
from questline_persistence.schema import runs
from tests.contract.quests import LONG, Workbench, checkpoint, failure


def test_duratiq_1_a_late_result_of_an_old_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    bench.finish(bench.claim(quest_id, bench.worker(lease=2 * LONG)), "timely")
    before = bench.everything(quest_id)

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.everything(quest_id) == before
    assert bench.repository.load_quest(quest_id).run_data == {"a": "timely"}


def test_duratiq_1_a_late_result_is_fenced_while_its_successor_still_runs(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    held = bench.claim(quest_id, bench.worker(lease=2 * LONG))

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.ticket(quest_id).claim_id == held.claim_id
    assert bench.finish(held, "timely").won


def test_duratiq_1_a_late_result_is_fenced_when_its_step_is_ready_again(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.ticket(quest_id).state == "ready"


def test_duratiq_2_redelivery_does_not_overwrite_a_recorded_result(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.finish(claim, "first")

    bench.journal.checkpoint(checkpoint(claim, "second"))
    assert bench.repository.load_quest(quest_id).run_data == {"a": "first"}


def test_i2_the_database_refuses_a_second_success_of_a_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    (run,) = bench.rows(runs, quest_id)
    again = {**run._mapping, "run_id": None, "claim_id": "another"}
    del again["run_id"]

    with pytest.raises(IntegrityError):
        bench.database.write(lambda connection: connection.execute(insert(runs).values(again)))


def test_i1_committed_runs_and_snapshots_never_change(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    kept: list[Row[Any]] = []
    claim = None
    for verb in ("claim", "fail", "claim", "pause", "checkpoint", "resume", "claim", "checkpoint", "replay", "cancel"):
        if verb == "claim":
            claim = bench.claim(quest_id)
        elif verb == "fail" and claim is not None:
            bench.journal.fail(failure(claim))
        elif verb == "checkpoint" and claim is not None:
            bench.finish(claim, verb)
        elif verb == "replay":
            bench.replay(quest_id)
        else:
            getattr(bench.controls, verb)(quest_id)
        rows = bench.everything(quest_id)
        found = [*rows["lord_runs"], *rows["quest_snapshots"]]
        assert all(one in found for one in kept)
        kept = found
    assert len(kept) == 3 + 5


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
@pytest.mark.parametrize("forged", [{"claim_id": "0" * 32}, {"epoch": 1}, {"position": "0000"}, {"position": "0009"}])
def test_i6_only_the_claim_that_holds_the_step_commits(
    bench: Workbench, steps: tuple[str, ...], forged: dict[str, object]
) -> None:
    quest_id = bench.submit(*steps)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert bench.finish(replace(claim, **forged), 1) == Settled(won=False)
    assert bench.everything(quest_id) == before
    assert bench.finish(claim, 1).won


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
def test_i6_a_claim_commits_to_its_own_epoch_only(bench: Workbench, steps: tuple[str, ...]) -> None:
    quest_id = bench.submit(*steps)
    bench.replay(quest_id)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert bench.finish(replace(claim, epoch=0), 1) == Settled(won=False)
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
def test_i6_a_claim_commits_to_its_own_quest_only(bench: Workbench, steps: tuple[str, ...]) -> None:
    quest_id, other = bench.submit(*steps), bench.submit(*steps)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id), bench.everything(other)

    assert bench.finish(replace(claim, quest_id=other), 1) == Settled(won=False)
    assert (bench.everything(quest_id), bench.everything(other)) == before


def test_i6_a_checkpoint_of_a_released_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.release(claim)

    assert bench.finish(claim, 1) == Settled(won=False)
    assert bench.rows(runs, quest_id) == []


def test_i6_a_checkpoint_after_the_failure_of_its_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.fail(failure(claim))

    assert bench.finish(claim, 1) == Settled(won=False)
    assert bench.ticket(quest_id).state == "ready"


def test_i5_the_fence_rises_with_every_transition(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    fences = [bench.ticket(quest_id).fence]

    def note() -> None:
        fences.append(bench.ticket(quest_id).fence)

    bench.journal.release(bench.claim(quest_id))
    note()
    bench.journal.fail(failure(bench.claim(quest_id)))
    note()
    bench.advance(quest_id, 1)
    note()
    for verb in ("pause", "resume"):
        getattr(bench.controls, verb)(quest_id)
        note()
    bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    note()
    bench.replay(quest_id)
    note()
    bench.controls.cancel(quest_id)
    bench.replay(quest_id)
    note()
    bench._journal = None
    bench.fail(quest_id)
    bench.controls.retry(quest_id)
    note()
    bench.advance(quest_id, 1, 2, 3)
    bench.replay(quest_id)
    note()

    assert fences == sorted(set(fences))


def test_a_claim_that_is_forged_from_nothing_commits_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.release(claim)
    forged = Checkpoint(replace(claim, claim_id=""), Succeeded("1"), 0.0)

    assert isinstance(forged.claim, Claim)
    assert bench.journal.checkpoint(forged) == Settled(won=False)
    assert bench.rows(runs, quest_id) == []
