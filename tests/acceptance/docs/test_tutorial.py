"""The tutorial runs as it is written, and prints what it shows."""

import re
from pathlib import Path

import pytest

from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, tour


@pytest.mark.timeout(240)
def test_the_tutorial_runs_as_it_is_written(tmp_path: Path, programs: Path) -> None:
    printed = Player(tmp_path, programs=programs).play(tour(ROOT / "docs" / "tutorial" / "first-quest.md"))
    process = dict(re.findall(r"^(\w+) in process (\d+)$", printed, re.MULTILINE))

    assert process["collect"] != process["draft"] == process["publish"]
    assert "exit code 9" in printed
    assert re.search(r"workers lost +1$", printed, re.MULTILINE)
