"""Ended quests go when they are kept no longer, by the rule that is theirs, a few at a time."""

import pytest

from questline_persistence.controls import Removal
from questline_persistence.settings import load, read_rules
from questline_scheduler.loops import make_loops
from questline_scheduler.loops.retention import AT_ONCE, NEXT_SECONDS, REST_SECONDS, Retention
from tests.contract.quests import ACTOR, Workbench
from tests.unit.scheduler.doorbells.brokers import HandBroker

DAY = 86_400.0


def retention(bench: Workbench, *words: str) -> Retention:
    return Retention(Removal(bench.database, bench.namespace, ACTOR), bench.clock, read_rules(words))


def ended(bench: Workbench, quest_id: str, quest_type: str = "test") -> str:
    bench.advance(bench.submit("a", quest_id=quest_id, quest_type=quest_type), 1)
    return quest_id


def test_the_rule_of_a_type_goes_before_that_of_all(bench: Workbench) -> None:
    ended(bench, "daily")
    ended(bench, "nightly", "nightly")
    ended(bench, "precious", "precious")
    bench.end("failed")
    bench.submit("a", quest_id="live")
    loop = retention(bench, "completed=30d", "nightly:completed=1d", "precious:completed=90d")

    bench.clock.advance(2 * DAY)
    assert (loop.run_once(), loop.interval, loop.run_once(), loop.interval) == (1, NEXT_SECONDS, 0, REST_SECONDS)
    assert "nightly" not in bench.quest_ids()
    bench.clock.advance(30 * DAY)
    assert (loop.run_once(), "daily" in bench.quest_ids(), "precious" in bench.quest_ids()) == (1, False, True)
    bench.clock.advance(60 * DAY)
    assert (loop.run_once(), loop.run_once()) == (1, 0)
    assert len(bench.quest_ids()) == 2
    (entry, *_) = bench.audit()
    assert (entry.verb, entry.reason, entry.outcome["quest_ids"]) == ("prune", "retention", ["precious"])


def test_no_more_than_a_few_go_at_once(bench: Workbench) -> None:
    for number in range(AT_ONCE + 1):
        ended(bench, f"q{number}")
    bench.clock.advance(DAY)
    loop = retention(bench, "completed=1h")

    assert [loop.run_once() for _ in range(3)] == [AT_ONCE, 1, 0]


def test_a_quest_that_ended_late_is_kept_from_its_end_on(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(10 * DAY)
    bench.advance(quest_id, 1)
    loop = retention(bench, "completed=1d")
    assert loop.run_once() == 0

    bench.clock.advance(2 * DAY)
    assert loop.run_once() == 1


def test_nothing_is_removed_without_a_rule(bench: Workbench) -> None:
    def names(**settings: object) -> list[str]:
        return [loop.service.name for loop in make_loops(bench.database, HandBroker(), load(**settings))._loops]

    assert "retention" not in names()
    assert "retention" in names(retention="completed=30d")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("completed", "'completed' is no rule of retention"),
        ("running=30d", "'running' is not how a quest ends"),
        ("completed=soon", "'soon' is not a length of time"),
        ("completed=5s", "quests are kept for 60 s at least"),
        ("completed=999999w", "50 years at most"),
        ("a b:completed=1d", "is no rule of retention"),
        ("failed=1d,failed=2d", "there are two rules for failed"),
    ],
)
def test_what_is_no_rule_is_refused_at_the_start(words: str, told: str) -> None:
    with pytest.raises(Exception, match=told):
        load(retention=words)
