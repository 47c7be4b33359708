"""The examples of `docs/explanation/guarantees.md` run."""

from pathlib import Path

from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, tour


def test_the_examples_run_and_print_what_they_show(tmp_path: Path) -> None:
    printed = Player(tmp_path).play(tour(ROOT / "docs" / "explanation" / "guarantees.md"))

    assert "too late: False" in printed
