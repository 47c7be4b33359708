"""What `docs/explanation/memory.md` and the pages beside it show: it runs, and the indexes that they name are there."""

import re
from pathlib import Path

from sqlalchemy import text

from questline_persistence import schema
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database
from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, tour

PAGE = ROOT / "docs" / "explanation" / "memory.md"
INDEXES = {str(index.name) for table in METADATA.tables.values() for index in table.indexes}


def test_the_example_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    printed = Player(tmp_path).play(tour(PAGE))

    assert "first idle - then busy" in printed


def test_every_index_that_a_page_names_exists() -> None:
    pages = (ROOT / "docs" / "how-to").rglob("*.md")
    named = {name for page in pages for name in re.findall(r"`((?:ix|uq|idx)_\w+)`", page.read_text())}

    assert len(named) > 20
    assert named - INDEXES == set()


def test_a_schema_of_its_own_keeps_questline_beside_another_application(blank_postgres_url: str) -> None:
    (ending,) = re.findall(r"\$DATABASE_URL(\?[^\s\"]+)\"", PAGE.read_text())
    theirs, ours = Database(blank_postgres_url), Database(blank_postgres_url + ending)
    for statement in ("CREATE TABLE sessions (id INTEGER PRIMARY KEY)", "CREATE SCHEMA questline"):
        theirs.write(lambda connection, statement=statement: connection.execute(text(statement)))

    schema.migrate(ours)

    assert schema.drift(ours) == []
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'"
    assert theirs.read(lambda connection: connection.execute(text(columns)).scalar_one()) == 1
    theirs.close()
    ours.close()
