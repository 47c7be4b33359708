"""Pages are for everybody: in both schemes, wide and on a phone, axe finds nothing serious, none scrolls sideways."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import AXE, LOOK, Site
from tests.browser.quests import review

PAGES = [
    "/",
    "/quests",
    "/quests?status=completed",
    "/quests/bad",
    "/quests/mine",
    "/lords",
    "/workers",
    "/batches",
    "/memory",
    "/audit",
    "/keys",
    "/docs",
    "/submit",
    "/compare?a=bad@v0&b=bad",
    "/control/replay/bad",
    "/control/cancel/mine",
    "/quests/nope",
]


@pytest.fixture
def looked_at(site: Site) -> Site:
    """A site with a quest that has failed, and one that waits."""
    site.client.submit(review("bad", labels={"team": "payments", "pr": "8812"}))
    site.work("bad")
    site.client.submit(review("mine"))
    return site


@pytest.mark.usefixtures("looked_at")
@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1440)])
def test_axe_finds_nothing_serious(page: Page, scheme: Any, width: int) -> None:
    page.add_init_script(path=AXE)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    found = {}
    for path in PAGES:
        page.goto(path)
        found[path] = page.evaluate(LOOK)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[path].append(("too wide", wide))
    assert {path: problems for path, problems in found.items() if problems} == {}
