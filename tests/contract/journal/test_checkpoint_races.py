from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from questline_persistence.claims import Settled
from questline_persistence.errors import QuestConflict
from questline_persistence.schema import runs
from tests.contract.quests import LONG, Workbench, checkpoint


def test_a_checkpoint_and_a_pause_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id)
        settled, _ = _at_once(
            lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: bench.controls.pause(one)
        )

        assert isinstance(settled, Settled)
        assert settled.won
        assert bench.status(quest_id) == "paused"
        assert (bench.ticket(quest_id).state, bench.ticket(quest_id).position) == ("held", "0002")
        assert bench.reasons(quest_id) == ["start", "checkpoint", "pause"]


def test_a_checkpoint_and_a_cancellation_at_once_leave_one_truth(bench: Workbench) -> None:
    outcomes = set()
    for _ in range(25):
        quest_id = bench.submit("a")
        claim = bench.claim(quest_id)
        settled, refused = _at_once(
            lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: _refused(bench, one)
        )

        assert isinstance(settled, Settled)
        assert settled.won == bool(refused)
        assert bench.status(quest_id) == ("completed" if settled.won else "cancelled")
        ended = [run.status for run in bench.rows(runs, quest_id)]
        assert ended == ["success" if settled.won else "cancelled"]
        outcomes.add(settled.won)
    assert outcomes


def test_a_checkpoint_and_a_replay_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id)
        settled, _ = _at_once(lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: bench.replay(one))

        assert isinstance(settled, Settled)
        ended = [run.status for run in bench.rows(runs, quest_id)]
        assert ended == ["success" if settled.won else "cancelled"]
        found = bench.repository.load_quest(quest_id)
        assert (found.epoch, found.status, found.run_data) == (1, "running", {})
        assert (bench.ticket(quest_id).position, bench.ticket(quest_id).state) == ("0001", "ready")
        bench.advance(quest_id, "again", "and again")


def test_a_checkpoint_and_a_sweep_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id, bench.worker())
        late = bench.clock.now() + LONG
        settled, swept = _at_once(lambda claim=claim: bench.finish(claim, 1), lambda now=late: bench.sweep.run(now=now))

        assert isinstance(settled, Settled)
        assert settled.won != bool(getattr(swept, "freed", None))
        (run,) = bench.rows(runs, quest_id)
        assert run.status == ("success" if settled.won else "error")


def test_a_checkpoint_and_its_double_at_once_commit_once(bench: Workbench) -> None:
    other = bench.worker()
    for _ in range(15):
        quest_id = bench.submit("a", "b")
        end = checkpoint(bench.claim(quest_id), 1)
        outcomes = _at_once(lambda end=end: bench.journal.checkpoint(end), lambda end=end: other.checkpoint(end))

        assert [isinstance(one, Settled) and one.won for one in outcomes] == [True, True]
        assert len(bench.rows(runs, quest_id)) == 1


def _refused(bench: Workbench, quest_id: str) -> bool:
    try:
        bench.controls.cancel(quest_id)
    except QuestConflict:
        return True
    return False


def _at_once(*calls: object) -> list[object]:
    """Call each function in a thread of its own, as nearly at once as threads can."""
    barrier = Barrier(len(calls))

    def run(call: object) -> object:
        barrier.wait(30)
        assert callable(call)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
