"""What people see of calls that run once: below the attempt that made them, whatever became of it."""

from questline_persistence.records import QuestHistory, explained_quest
from tests.contract.once.records import record
from tests.contract.quests import Workbench, failure


def test_each_attempt_has_the_calls_that_it_made(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim, "1", result="[1]"))
    bench.journal.fail(failure(claim))
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim, "2", ordinal=1))
    bench.finish(claim)
    history = QuestHistory(bench.database, bench.namespace)

    first, second = history.runs(quest_id)
    (call,) = first.calls
    assert (call.name, call.attempt_number, call.output_data, call.duration_seconds) == ("1", 1, [1], 1.0)
    assert [(call.name, call.claim_id) for call in second.calls] == [("2", claim.claim_id)]
    assert [run.calls for run in history.runs(quest_id, contents=False)] == [(), ()]


def test_those_of_the_step_where_a_quest_stands_are_seen_while_it_runs(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    assert explained_quest(bench.repository, quest_id).calls == []
    bench.journal.record_once(record(claim, "1"))
    assert [call.name for call in explained_quest(bench.repository, quest_id).calls] == ["1"]

    bench.finish(claim)
    assert explained_quest(bench.repository, quest_id).calls == [], "the quest stands at the next step"
    bench.finish(bench.claim(quest_id))
    assert explained_quest(bench.repository, quest_id).calls == ()


def test_a_replay_leaves_the_calls_of_before_with_their_attempts(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.record_once(record(claim, "1"))
    bench.finish(claim)
    bench.replay(quest_id)

    assert explained_quest(bench.repository, quest_id).calls == []
    (run,) = QuestHistory(bench.database, bench.namespace).runs(quest_id)
    assert [call.name for call in run.calls] == ["1"]
