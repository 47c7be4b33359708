"""The example of `docs/explanation/memory.md` runs, and the indexes that the query guide names are there."""

import re
from pathlib import Path

from questline_persistence.schema.metadata import METADATA
from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, tour

INDEXES = {str(index.name) for table in METADATA.tables.values() for index in table.indexes}


def test_the_example_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    printed = Player(tmp_path).play(tour(ROOT / "docs" / "explanation" / "memory.md"))

    assert "first idle - then busy" in printed


def test_every_index_that_a_page_names_exists() -> None:
    pages = (ROOT / "docs" / "how-to").rglob("*.md")
    named = {name for page in pages for name in re.findall(r"`((?:ix|uq|idx)_\w+)`", page.read_text())}

    assert len(named) > 20
    assert named - INDEXES == set()
