"""What becomes of recorded calls where a quest runs again: they are made anew, unless somebody wants them kept."""

from questline_persistence.controls import CallsOfFork
from questline_persistence.journal import Recorded, RecordedCall, recorded_calls
from questline_persistence.models import LordStep
from questline_persistence.records import QuestHistory
from questline_persistence.schema import once
from tests.contract.once.records import record
from tests.contract.quests import Workbench


def recording(bench: Workbench, quest_id: str, *results: str) -> None:
    """Run as many steps of a quest as there are results, each of which records one call."""
    for result in results:
        claim = bench.claim(quest_id)
        assert bench.journal.record_once(record(claim, result=result))
        assert bench.finish(claim).won


def served(bench: Workbench, quest_id: str, steps: int) -> list[list[str]]:
    """Run steps of a quest; return what each of them was served."""
    found = []
    for _ in range(steps):
        claim = bench.claim(quest_id)
        found.append([call.result for call in recorded_calls(bench.database, claim).calls])
        bench.finish(claim)
    return found


def test_a_replay_keeps_what_the_steps_have_recorded_that_run_again(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    recording(bench, quest_id, "1", "2")
    bench.replay(quest_id, "b", keep_once=True)

    assert served(bench, quest_id, 2) == [["2"], []]
    assert [(row.epoch, row.position) for row in bench.rows(once, quest_id)] == [(0, "0001"), (0, "0002"), (1, "0002")]


def test_of_a_step_that_ran_in_several_epochs_the_newest_is_kept(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    recording(bench, quest_id, "1", "2")
    bench.replay(quest_id)
    recording(bench, quest_id, "3")
    bench.replay(quest_id, keep_once=True)

    assert served(bench, quest_id, 2) == [["3"], ["2"]]


def test_another_step_in_the_same_place_gets_nothing_of_it(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.finish(claim, None, LordStep("c", "work"))
    recording(bench, quest_id, "1", "2")
    bench.replay(quest_id, keep_once=True)
    bench.finish(bench.claim(quest_id), None, LordStep("b", "work"))

    assert served(bench, quest_id, 2) == [[], ["2"]]


def test_a_kept_call_stands_with_the_attempt_that_made_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    recording(bench, quest_id, "1")
    bench.replay(quest_id, keep_once=True)
    bench.finish(bench.claim(quest_id))

    first, second = QuestHistory(bench.database, bench.namespace).runs(quest_id)
    assert ([call.output_data for call in first.calls], second.calls) == ([1], ())


def test_a_preview_keeps_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    recording(bench, quest_id, "1")
    before = bench.rows(once, quest_id)
    bench.replay(quest_id, keep_once=True, dry_run=True)

    assert bench.rows(once, quest_id) == before


def test_a_fork_serves_what_it_is_to_serve_and_may_refuse_to_go_out(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    recording(bench, quest_id, "1", "2")

    for calls, found in (
        (CallsOfFork.ANEW, Recorded([])),
        (CallsOfFork.KEPT, Recorded(recorded("2"))),
        (CallsOfFork.RECORDED, Recorded(recorded("2"), alone=True)),
    ):
        forked = bench.fork(quest_id, "b", calls=calls)
        assert recorded_calls(bench.database, bench.claim(forked)) == found
        assert len(bench.rows(once, forked)) == len(found.calls)


def recorded(result: str) -> list[RecordedCall]:
    return [RecordedCall("call", 0, overlapped=False, result=result)]
