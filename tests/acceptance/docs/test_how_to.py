"""Every how-to runs as it is written, block by block, in a folder with an empty store."""

import shutil
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml

from tests.acceptance.docs.pages import ROOT, blocks
from tests.acceptance.docs.tour import Player, only_shown, tour

PAGES = sorted((ROOT / "docs" / "how-to").rglob("*.md"))
#: The servers that a page may ask for by a variable's name, and the fixtures that give them.
SERVERS = {
    "DATABASE_URL": "blank_postgres_url",
    "POSTGRES_URL": "blank_postgres_url",
    "REDIS_URL": "redis_url",
}
all_pages = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def servers(page: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the servers that a page names, as in `$DATABASE_URL`: variables of the environment."""
    named = [name for name in SERVERS if f"${name}" in page.read_text()]
    return {name: request.getfixturevalue(SERVERS[name]) for name in named}


@all_pages
@pytest.mark.timeout(300)
def test_a_how_to_runs_and_prints_what_it_shows(
    page: Path, tmp_path: Path, sqlite_template: Path, programs: Path, request: pytest.FixtureRequest
) -> None:
    variables = servers(page, request)
    store = tmp_path / "reader" / ".questline" / "questline.db"
    store.parent.mkdir(parents=True)
    shutil.copyfile(sqlite_template, store)

    Player(store.parents[1], variables, programs).play(tour(page))


@all_pages
def test_code_that_is_not_run_is_marked_as_text_or_configuration(page: Path) -> None:
    assert {block.language for block in only_shown(page)} <= {"text", "ini", "yaml", "dockerfile"}


@all_pages
def test_configuration_that_is_shown_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "ini":
            RawConfigParser().read_string(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
