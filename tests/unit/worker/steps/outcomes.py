"""What a run of a handler comes to."""

from collections.abc import Callable

from questline_persistence.claims import Failed, Outcome

Run = Callable[..., Outcome]


def failure(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome
