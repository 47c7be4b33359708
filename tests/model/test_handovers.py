"""A step that is claimed together with the result before it: each way in which that can go wrong, and is mended."""

import pytest

from questline_persistence.states import TicketState
from tests.model.actions import BEGINNING, actions
from tests.model.changes import paid
from tests.model.protocol import Protocol
from tests.model.step import Step
from tests.model.world import Action, Bell, Phase, Rules, Ticket

RULES = Rules(faults=3, verbs=1, looks=1)
CLAIM = Action("claim", worker=0, bell=Bell(0, 1))


def along(*path: Action | str) -> Step:
    """Take a quest of two steps along a path, each part of which the exploration must try there too.

    A text stands for what the one claim in hand does, and its options.
    """
    protocol = Protocol(RULES)
    step = protocol.step(protocol.start(), Action("submit"))
    for each in (CLAIM, *path):
        action = _of_the_hold(each, step) if isinstance(each, str) else each
        assert action in set(actions(step.world, RULES)), f"{action} is never tried in {step.world}"
        step = protocol.step(step.world, action)
    return step


def _of_the_hold(text: str, step: Step) -> Action:
    verb, *options = text.split()
    if verb == "sweep":
        return Action("sweep", look=step.world.looks[-1])
    return Action(verb, hold=step.world.holds[-1], next_claim="handing" in options, heard="unheard" not in options)


def test_the_worker_goes_on_with_the_next_step() -> None:
    step = along("checkpoint handing")
    assert step.begun == step.world.holds[0]
    assert step.world.ticket is not None
    assert (step.world.ticket.position, step.world.ticket.claim) == (2, step.world.holds[0].claim)
    assert step.world.bells == (Bell(0, 1),), "nobody need ring for it"
    assert along("checkpoint handing", "checkpoint handing").world.ticket is None


def test_a_lost_reply_is_made_good_by_sending_the_result_again() -> None:
    lost = along("checkpoint handing unheard")
    assert (lost.begun, lost.world.holds[0].phase) == (None, Phase.SENT)
    again = along("checkpoint handing unheard", "checkpoint")
    assert again.begun == again.world.holds[0]
    assert again.world == paid(along("checkpoint handing").world)


@pytest.mark.parametrize("between", ["cancel", "replay"])
def test_what_was_handed_over_is_not_begun_if_the_claim_is_gone_when_the_reply_comes(between: str) -> None:
    verb = Action(between, start=BEGINNING if between == "replay" else None)
    again = along("checkpoint handing unheard", verb, "checkpoint")
    assert again.won
    assert again.begun is None


def test_a_worker_that_dies_before_it_begins_leaves_a_claim_for_the_sweep() -> None:
    dying = (Action("die", worker=0), Action("lapse", worker=0), Action("look"), "sweep")
    for death in ("checkpoint handing", "checkpoint handing unheard"):
        swept = along(death, *dying).world
        assert swept.holds == ()
        assert swept.ticket is not None
        assert (swept.ticket.position, swept.ticket.state, swept.ticket.lost) == (2, TicketState.READY, 1)


def test_a_stop_gives_back_what_was_handed_over_and_not_begun() -> None:
    given = along("checkpoint handing", "release").world
    assert given.ticket == Ticket(0, 2), "ready, and nothing spent"
    assert Bell(0, 2) in given.bells


def test_a_pause_leaves_the_next_step_held() -> None:
    paused = along(Action("pause"), "checkpoint handing")
    assert paused.begun is None
    assert paused.world.ticket is not None
    assert paused.world.ticket.state is TicketState.HELD
