"""A verb that is bound to the version that its caller has seen changes nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.controls import Controls, StartingPoint
from questline_persistence.errors import QuestConflict
from tests.contract.quests import Workbench

Verb = Callable[[Controls, str, int], Any]
VERBS: dict[str, Verb] = {
    "pause": lambda controls, quest_id, seen: controls.pause(quest_id, seen=seen),
    "cancel": lambda controls, quest_id, seen: controls.cancel(quest_id, seen=seen),
    "fork": lambda controls, quest_id, seen: controls.fork(quest_id, StartingPoint(), {}, new_id="f", seen=seen),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_only_the_version_that_was_seen_is_changed(bench: Workbench, verb: Verb) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)

    for seen in (0, 2):
        with pytest.raises(QuestConflict, match=f"is at version 1, not {seen}"):
            verb(bench.controls, quest_id, seen)
    assert bench.status(quest_id) == "running"

    verb(bench.controls, quest_id, 1)


def test_a_resume_and_a_retry_keep_to_it_too(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)

    with pytest.raises(QuestConflict, match="is at version 1, not 0"):
        bench.controls.resume(quest_id, seen=0)
    with pytest.raises(QuestConflict, match="is at version 1, not 0"):
        bench.controls.retry(quest_id, seen=0)
    assert bench.controls.resume(quest_id, seen=1).changed
