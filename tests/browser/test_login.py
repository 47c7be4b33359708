"""Logging in with a key, and what a key that may only read does not see."""

import re

import pytest
from playwright.sync_api import Page, expect

from questline_persistence.audit import Actor
from questline_persistence.keys import Keys
from tests.browser.conftest import AXE, LOOK, Site
from tests.browser.quests import review


def _key(site: Site, *scopes: str) -> str:
    keys = Keys(site.client.database, site.client.namespace, Actor("tests"))
    return keys.create("tests", scopes, payloads=True).secret


@pytest.fixture(autouse=True)
def _asked_for(site: Site) -> None:
    site.client.submit(review("mine"))


def test_a_key_opens_the_page_that_was_asked_for_and_log_out_closes_it(site: Site, page: Page) -> None:
    key = _key(site, "read", "control")
    page.add_init_script(path=AXE)
    page.goto("/quests/mine")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("no valid key")
    assert page.evaluate(LOOK) == []
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/quests/mine$"))
    page.wait_for_load_state()
    page.keyboard.press("p")
    page.get_by_label("Reason").fill("night")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".why")).to_contain_text("It was paused: night.")
    page.get_by_role("button", name="Log out").click()
    page.goto("/quests")
    expect(page).to_have_url(re.compile("/login"))


def test_a_key_that_may_only_read_has_no_buttons_that_change_something(site: Site, page: Page) -> None:
    key = _key(site, "read")
    page.goto("/quests/mine")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="codebase_review")).to_be_visible()
    expect(page.locator(".acts > a")).to_have_count(0)
    site.client.pause("mine", "night")
    expect(page.locator(".why")).to_contain_text("It was paused: night.")  # the cookie opens the stream, too
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    page.goto("/quests")
    expect(page.locator(".bulk")).to_have_count(0)
    page.goto("/audit")
    expect(page.get_by_role("alert")).to_be_visible()
