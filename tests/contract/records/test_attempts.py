"""How often a step was tried: failures, lost workers and cancelled attempts told apart, kept by replays and forks."""

import pytest

from questline_persistence.records import QuestHistory
from tests.contract.quests import Workbench, failure, quest


def tried(bench: Workbench, quest_id: str) -> list[tuple[int, int]]:
    """Return, for each step, how often it was tried, and how many workers were lost beside."""
    return [(step.attempts, step.lost) for step in bench.repository.load_quest(quest_id).steps]


def lose(bench: Workbench, quest_id: str) -> None:
    """Let the worker that claims the next step die."""
    journal = bench.worker(process_id=quest_id)
    bench.claim(quest_id, journal)
    bench.register.declare_dead(quest_id)
    assert bench.sweep.run(now=bench.clock.advance(1)).freed == 1
    bench.clock.advance(10)


def test_failures_and_lost_workers_are_told_apart(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.journal.fail(failure(bench.claim(quest_id)))
    lose(bench, quest_id)
    assert tried(bench, quest_id) == [(1, 1), (0, 0)]
    held = bench.claim(quest_id)
    assert tried(bench, quest_id) == [(2, 1), (0, 0)]
    bench.finish(held, 1)
    assert tried(bench, quest_id) == [(2, 1), (0, 0)]

    runs = bench.repository.runs(quest_id)
    assert [(run.status, run.lost) for run in runs] == [("error", False), ("error", True), ("success", False)]
    (lord,) = bench.repository.get_lord_stats("a")
    assert (lord["total_runs"], lord["successful"], lord["errors"], lord["success_rate"]) == (3, 1, 1, 50.0)
    assert lord["success_rate"] == 50.0


def test_a_step_that_a_replay_kept_shows_the_attempts_of_the_epoch_in_which_it_ran(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.journal.fail(failure(bench.claim(quest_id)))
    lose(bench, quest_id)
    bench.advance(quest_id, 1, 2, 3)
    bench.replay(quest_id, "b")
    assert tried(bench, quest_id) == [(2, 1), (0, 0), (0, 0)]
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.advance(quest_id, 2)
    bench.replay(quest_id, "c")
    assert tried(bench, quest_id) == [(2, 1), (2, 0), (0, 0)]
    bench.replay(quest_id)
    assert tried(bench, quest_id) == [(0, 0), (0, 0), (0, 0)]


def test_a_step_that_a_fork_kept_shows_the_attempts_of_the_quest_in_which_it_ran(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.advance(quest_id, 1, 2)
    fork = bench.fork(quest_id, "b")
    again = bench.fork(fork, "b")
    assert tried(bench, fork) == tried(bench, again) == [(2, 0), (0, 0), (0, 0)]
    bench.controls.cancel(quest_id)
    assert bench.repository.delete_quest(quest_id)
    assert tried(bench, fork) == [(0, 0), (0, 0), (0, 0)]  # nobody knows any more


@pytest.mark.parametrize("source", ["order 17 of the old system", "kept@v0", "@v1", "kept@v" + "9" * 30, ""])
def test_a_quest_whose_program_says_that_it_stems_from_elsewhere_can_be_looked_at(
    bench: Workbench, source: str
) -> None:
    kept = quest("a", "b", quest_id="kept", forked_from=source)
    bench.repository.save_quest(kept)
    kept.execution_stack = kept.execution_stack[1:]
    kept.run_data = {"a": 1}
    bench.repository.save_quest(kept)

    assert tried(bench, "kept") == [(0, 0), (0, 0)]


def test_a_fork_shows_no_attempts_of_another_tenant_s_quest(bench: Workbench) -> None:
    theirs = bench.submit("a", "b")
    bench.advance(theirs, 1)
    bench.execute("UPDATE quest_executions SET namespace = 'another'")
    kept = quest("a", "b", quest_id="kept", forked_from=f"{theirs}@v1")
    bench.repository.save_quest(kept)
    kept.execution_stack = kept.execution_stack[1:]
    bench.repository.save_quest(kept)

    assert tried(bench, "kept") == [(0, 0), (0, 0)]


@pytest.mark.parametrize("verb", ["cancel", "replay"])
def test_an_attempt_whose_quest_is_cancelled_or_replayed_leaves_a_run(bench: Workbench, verb: str) -> None:
    quest_id = bench.submit("a", "b")
    bench.journal.fail(failure(bench.claim(quest_id)))
    held = bench.claim(quest_id)
    bench.clock.advance(7)
    if verb == "cancel":
        bench.controls.cancel(quest_id, "not needed")
    else:
        bench.replay(quest_id)
    assert not bench.finish(held, 1).won
    assert not bench.journal.fail(failure(held)).won

    run = bench.repository.runs(quest_id)[-1]
    said = {"cancel": "the quest was cancelled: not needed", "replay": "the quest was replayed"}[verb]
    assert (run.status, run.error_message, run.attempt_number) == ("cancelled", said, 2)
    assert (run.claim_id, run.worker_id, run.position, run.epoch) == (held.claim_id, held.worker_id, "0001", 0)
    assert (run.start_time, run.duration_seconds) == (held.start_time, pytest.approx(7))
    assert len(bench.repository.runs(quest_id)) == 2
    (lord,) = bench.repository.get_lord_stats("a")
    assert (lord["total_runs"], lord["errors"], lord["success_rate"]) == (2, 1, 0.0)
    bench.check()


def test_a_quest_that_is_cancelled_while_nothing_runs_leaves_no_run(bench: Workbench) -> None:
    for quest_id in (bench.submit("a"), bench.submit("a")):
        bench.controls.pause(quest_id)
        bench.controls.cancel(quest_id)
        assert bench.repository.runs(quest_id) == []


def test_a_lord_whose_attempts_were_all_cancelled_has_no_rate(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    bench.controls.cancel(quest_id)
    (lord,) = bench.repository.get_lord_stats()
    assert (lord["total_runs"], lord["success_rate"]) == (1, None)


def test_the_attempts_of_some_steps_are_read_alone_and_without_what_is_large(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.advance(quest_id, 1, 2)
    history = QuestHistory(bench.database, bench.repository.namespace)
    whole = history.runs(quest_id, positions=["0001"])
    assert [(run.position, run.status, run.output_data) for run in whole] == [
        ("0001", "error", None),
        ("0001", "success", 1),
    ]
    light = history.runs(quest_id, positions=["0001", "0002"], contents=False)
    assert [(run.position, run.status) for run in light] == [
        ("0001", "error"),
        ("0001", "success"),
        ("0002", "success"),
    ]
    assert {run.input_data or run.output_data or run.error_message for run in light} == {None}
    assert history.runs(quest_id, positions=[]) == []
