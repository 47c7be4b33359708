"""Live events in a browser, by the scripts of the how-to."""

from playwright.sync_api import Page

from tests.acceptance.docs.pages import ROOT, blocks
from tests.browser.conftest import Site

_SCRIPTS = [
    block.text for block in blocks(ROOT / "docs" / "how-to" / "gateway" / "live.md") if block.text.startswith("const")
]
_TOLD = "const told = (window.told ??= []);"


def test_a_page_follows_a_quest_to_its_end(site: Site, page: Page) -> None:
    stack = [{"lord_name": "a", "tool_name": "work"}]
    site.client.submit({"quest_type": "test", "quest_id": "q-1", "execution_stack": stack})
    page.goto("/quests")
    page.evaluate(f"() => {{ {_TOLD} const show = (one) => told.push(one.what + ' ' + one.status); {_SCRIPTS[0]} }}")
    page.wait_for_function("() => window.told.length === 1")
    site.client.cancel("q-1")
    page.wait_for_function("() => window.told.length === 2")

    assert page.evaluate("window.told") == ["submitted new", "ended cancelled"]


def test_a_page_keeps_a_list_up_to_date(site: Site, page: Page) -> None:
    page.goto("/quests")
    told = "const readList = () => told.push('read'), update = (one) => told.push(one.status), remove = update;"
    page.evaluate(f"() => {{ {_TOLD} {told} {_SCRIPTS[1]} }}")
    page.wait_for_function("() => window.told.length === 1")
    site.client.submit({"quest_type": "test", "execution_stack": [{"lord_name": "a", "tool_name": "work"}]})
    page.wait_for_function("() => window.told.length === 2")

    assert page.evaluate("window.told") == ["read", "new"]
