"""The examples of `docs/explanation/guarantees.md` run."""

from pathlib import Path

from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, tour

PAGE = ROOT / "docs" / "explanation" / "guarantees.md"


def test_the_examples_run_and_print_what_is_said(tmp_path: Path) -> None:
    printed = Player(tmp_path).play(tour(PAGE)).splitlines()

    assert printed == [
        "{'charged': 30, 'attempt': 2} (1,)",
        "True True True",
        "the draft again, too late: False",
    ]
