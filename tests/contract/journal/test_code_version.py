"""Which code ran an attempt is kept with it, whoever ends the attempt."""

import pytest

from tests.contract.quests import Workbench, checkpoint, failure


def versions(bench: Workbench, quest_id: str) -> list[str | None]:
    return [run.code_version for run in bench.repository.runs(quest_id)]


def test_each_attempt_tells_the_code_that_ran_it(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    old, new = bench.worker(code_version="v1"), bench.worker(code_version="v2", process_id="other")
    old.fail(failure(bench.claim(quest_id, old)))
    new.checkpoint(checkpoint(bench.claim(quest_id, new)))
    old.checkpoint(checkpoint(bench.claim(quest_id, old), None, "d"))
    new.checkpoint(checkpoint(bench.claim(quest_id, new)))

    assert versions(bench, quest_id) == ["v1", "v2", "v1", "v2"]


@pytest.mark.parametrize("end", ["sweep", "cancel", "replay"])
def test_an_attempt_that_somebody_else_ends_tells_the_code_that_ran_it(bench: Workbench, end: str) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(code_version="v1"))
    match end:
        case "sweep":
            bench.register.declare_dead("process")
            bench.sweep.run()
        case "cancel":
            bench.controls.cancel(quest_id)
        case _:
            bench.replay(quest_id)

    assert versions(bench, quest_id) == ["v1"]


def test_where_nobody_says_which_code_runs_nothing_is_kept(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    journal = bench.worker()
    journal.fail(failure(bench.claim(quest_id, journal)))
    journal.checkpoint(checkpoint(bench.claim(quest_id, journal)))

    assert versions(bench, quest_id) == [None, None]
