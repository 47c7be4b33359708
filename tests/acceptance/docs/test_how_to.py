"""Every how-to runs as it is written, block by block, in a folder with an empty store."""

import re
import shutil
from pathlib import Path

import pytest

from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.tour import Player, only_shown, tour

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
#: The servers that a page may ask for by a variable's name, and the fixtures that give them.
SERVERS = {
    "DATABASE_URL": "blank_postgres_url",
    "POSTGRES_URL": "blank_postgres_url",
    "REDIS_URL": "redis_url",
}
all_pages = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def servers(page: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the servers that the blocks of a page name, as variables of the environment."""
    text = "".join(block.text for block in tour(page))
    named = {name: fixture for name, fixture in SERVERS.items() if re.search(rf"\b{name}\b", text)}
    return {name: request.getfixturevalue(fixture) for name, fixture in named.items()}


@all_pages
def test_a_how_to_runs_and_prints_what_it_shows(
    page: Path, tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest
) -> None:
    variables = servers(page, request)
    store = tmp_path / "reader" / ".questline" / "questline.db"
    store.parent.mkdir(parents=True)
    shutil.copyfile(sqlite_template, store)

    Player(store.parents[1], variables).play(tour(page))


@all_pages
def test_code_that_is_not_run_is_marked_as_text_or_configuration(page: Path) -> None:
    assert {block.language for block in only_shown(page)} <= {"text", "ini", "yaml", "dockerfile"}
