"""The README's tour runs as it is written, block by block, in an empty folder and without a server."""

import re
from pathlib import Path

import pytest

from tests.acceptance.docs.pages import README
from tests.acceptance.docs.tour import Player, only_shown, tour


def test_every_block_is_run_saved_or_marked_as_text() -> None:
    assert {block.language for block in only_shown(README)} <= {"text"}


@pytest.mark.timeout(400)
def test_the_tour_runs_as_it_is_written(tmp_path: Path, programs: Path) -> None:
    printed = Player(tmp_path, programs=programs).play(tour(README))

    assert "AuthService/api.py" in printed
    assert "exit code 9" in printed
    assert re.search(r"0002 +forge_master +generate_code +1 .*BillingService/api.py", printed)
    assert ".questline" in [path.name for path in tmp_path.iterdir()]
