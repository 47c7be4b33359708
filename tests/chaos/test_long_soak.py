"""The long soak of `make soak`: its size comes from the environment, its report goes to docs/project/soak.md."""

import os
from pathlib import Path

import pytest

from tests.chaos.parameters import long
from tests.chaos.report import write
from tests.chaos.rules.violation import Harm
from tests.chaos.soak import soak

#: Where the report goes, unless the environment says otherwise.
REPORT = Path(__file__).resolve().parents[2] / "docs" / "project" / "soak.md"


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_nothing_is_lost_doubled_or_stuck_in_ten_thousand_quests(tmp_path: Path) -> None:
    parameters = long()
    outcome = soak(parameters, tmp_path / "soak")
    write(outcome, Path(os.environ.get("QUESTLINE_SOAK_REPORT", REPORT)))
    assert outcome.errors == [], outcome.summary()
    assert outcome.harm == dict.fromkeys(Harm, 0), outcome.summary()
    assert outcome.struck == {fault: number for fault, number in parameters.faults.items() if number}
    assert len(outcome.history.plans) == parameters.quests
