"""Static files: found by their names alone, and to be kept as long as the address says what they hold."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from questline_gateway.dashboard.assets import FOREVER, Assets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "style.css").write_text("a{}")
    (tmp_path / "js" / "main.js").write_text("1")
    return tmp_path


def _served(assets: Assets) -> TestClient:
    return TestClient(Starlette(routes=[Route("/static/{version}/{name:path}", assets.serve)]))


def test_a_file_is_kept_for_good_under_the_hash_of_all(folder: Path) -> None:
    assets = Assets(folder)
    answer = _served(assets).get(f"/{assets.path('js/main.js')}")
    assert (answer.status_code, answer.text) == (200, "1")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == FOREVER


def test_a_change_of_any_file_changes_every_address(folder: Path) -> None:
    before = Assets(folder).path("style.css")
    (folder / "js" / "main.js").write_text("2")
    assert Assets(folder).path("style.css") != before


def test_a_file_of_another_version_is_not_kept(folder: Path) -> None:
    answer = _served(Assets(folder)).get("/static/0000/style.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["nope.css", "../style.css", "%2e%2e/style.css", "/etc/passwd", ""])
def test_nothing_is_served_but_the_files(folder: Path, name: str) -> None:
    assets = Assets(folder)
    assert _served(assets).get(f"/static/{assets.version}/{name}").status_code == 404


def test_a_page_cannot_name_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(KeyError):
        Assets(folder).path("nope.css")
