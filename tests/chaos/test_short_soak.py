"""The short soak: every kind of fault at least once, in about a minute, or more on a machine that is busy."""

import sys
from pathlib import Path

import pytest

from tests.chaos.parameters import Fault, short
from tests.chaos.report import samples_told
from tests.chaos.rules.violation import Harm
from tests.chaos.soak import soak


@pytest.mark.timeout(420)
def test_nothing_is_lost_doubled_or_stuck_whatever_is_killed(tmp_path: Path) -> None:
    outcome = soak(short(), tmp_path / "soak")
    for fault, samples in outcome.samples.items():
        sys.stdout.write(f"{fault}: n, p50, p99, max = {samples_told(samples)}\n")
    assert outcome.errors == [], outcome.summary()
    assert outcome.harm == dict.fromkeys(Harm, 0), outcome.summary()
    assert set(outcome.struck) == set(Fault), "some fault never was"
    assert len(outcome.history.plans) == outcome.parameters.quests
