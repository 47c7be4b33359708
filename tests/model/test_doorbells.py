"""A doorbell is a hint: consumed twice or late it does no harm, and a lost one is rung again."""

import pytest

from tests.model.actions import BEGINNING, actions
from tests.model.explore import explore
from tests.model.protocol import Protocol
from tests.model.step import Step
from tests.model.world import Action, Bell, Rules

RULES = Rules(faults=1, verbs=1, looks=1, bells=2)
FIRST = Bell(0, 1)


def along(*path: Action | str) -> Step:
    """Take a quest that was just submitted along `path`, each part of which the exploration must try there too.

    A text stands for what the one claim in hand does.
    """
    protocol = Protocol(RULES)
    step = protocol.step(protocol.start(), Action("submit"))
    for each in path:
        action = Action(each, hold=step.world.holds[-1]) if isinstance(each, str) else each
        assert action in set(actions(step.world, RULES)), f"{action} is never tried in {step.world}"
        step = protocol.step(step.world, action)
    return step


def test_a_bell_may_be_consumed_twice_and_wins_once() -> None:
    first, second = Action("claim", worker=0, bell=FIRST), Action("claim", worker=1, bell=FIRST)
    once, twice = along(first), along(first, second)
    assert once.won
    assert not twice.won
    assert twice.world == once.world
    assert along(first, "release", second).won, "what a bell was rung for before may be ready again"


def test_a_bell_may_be_consumed_after_its_ticket_has_moved_and_loses() -> None:
    claim = Action("claim", worker=0, bell=FIRST)
    assert not along(claim, "checkpoint", claim).won
    assert not along(Action("replay", start=BEGINNING), claim).won
    assert not along(Action("cancel"), claim).won


def test_a_lost_bell_is_rung_again() -> None:
    assert along(Action("drop", bell=FIRST)).world.bells == ()
    assert along(Action("drop", bell=FIRST), Action("redispatch")).world.bells == (FIRST,)


@pytest.mark.parametrize(
    ("guard", "harm"),
    [
        ("claim.state", ["submit", "claim by worker 0 for (0, 1)", "claim by worker 0 for (0, 1)"]),
        (
            "claim.position",
            [
                "submit",
                "claim by worker 0 for (0, 1)",
                "checkpoint of claim 1, running",
                "claim by worker 0 for (0, 1)",
            ],
        ),
        ("claim.epoch", ["submit", "replay from the beginning", "claim by worker 0 for (0, 1)"]),
    ],
)
def test_without_these_guards_a_double_or_late_bell_does_harm(guard: str, harm: list[str]) -> None:
    explored = explore(Protocol(RULES, without=frozenset({guard})))
    assert [str(action) for action in explored.trace] == harm
