"""A real browser and a gateway on a port of loopback; each test has a store of its own.

A page that reports an error, or tries what the content security policy refuses, fails its test.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from questline import QuestClient, QuestExecutor
from questline_gateway.app import create_app
from questline_gateway.server import GatewayServer
from questline_persistence.settings import load
from tests.browser.chromium import ARGUMENTS, FETCH_SECONDS, chromium

#: The longest that a page may take to become what a test expects, in milliseconds.
PATIENCE = 15_000
#: What looks for what keeps people out, and the script that asks it for what is serious.
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
LOOK = """async () => {
  const found = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3)]);
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the first of these tests take the time to fetch a browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(FETCH_SECONDS + 120))


class Site:
    """A gateway that serves, with the client of its namespace."""

    def __init__(self, url: str, client: QuestClient) -> None:
        self.url = url
        self.client = client

    def work(self, *quest_ids: str) -> None:
        """Run these quests to their ends, in this process."""

        async def run() -> None:
            with QuestExecutor(repository=self.client.repository) as executor:
                await asyncio.gather(*map(executor.resume_quest, quest_ids))

        thread = Thread(target=lambda: asyncio.run(run()))  # the browser's driver has the loop of this thread
        thread.start()
        thread.join()


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Site]:
    """A gateway over a fresh SQLite file."""
    app = create_app(load(database_url=sqlite_url, broker_url="memory://"))
    server = GatewayServer(app, "127.0.0.1", 0)
    server.start()
    yield Site(server.url, app.state.tenants.of("default").client)
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser. Its driver must not outlive the module: where it runs, `asyncio.run` cannot."""
    found = chromium()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found.path, args=ARGUMENTS, env={**found.environment} or None)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must report no error."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


def _is_error(message: ConsoleMessage) -> bool:
    """Return whether a message tells of something that went wrong; that a page answers 409 is none."""
    return message.type == "error" and "the server responded with a status of 4" not in message.text
