"""Takes the pictures of the documentation into `docs/img`."""

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from questline_gateway.app import create_app
from questline_gateway.server import GatewayServer
from questline_gateway.tenants import Tenant
from questline_persistence.audit import Actor
from questline_persistence.keys import Keys
from questline_persistence.settings import load
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.pictures.quests import AGENT, COMPLETED, FAILED, fill, retry_failed

#: Where the pictures go.
FOLDER = Path(__file__).resolve().parents[3] / "docs" / "img"
#: How high a picture is, in pixels: of the fullest page it stays below the limit of what pictures may weigh.
HEIGHT = 680


def main() -> None:
    """Take every picture."""
    socket.gethostname = lambda: "laptop"  # this machine's name shall stand in no picture
    found = chromium()
    with served() as (full, here), served() as (empty, _):
        fill(here)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=found.path, args=ARGUMENTS, env={**found.environment} or None
            )
            take(browser, empty, "empty", "/")
            for name, path in PAGES.items():
                take(browser, full, name, path)
            take(browser, full, "overview-dark", "/", scheme="dark")
            take(browser, full, "replay", f"/quests/{FAILED}", then=_replay)
            take(browser, full, "phone", f"/quests/{FAILED}", width=390)
            take(browser, full, "batch", f"/batches/{retry_failed(here)}")
            Keys(here.database, here.namespace, Actor("pictures")).create("everybody", ("read",))
            take(browser, full, "login", "/")
            browser.close()


#: The pages that are shown as they open, by the names of their pictures.
PAGES = {
    "overview": "/",
    "quests": "/quests",
    "quest": f"/quests/{FAILED}",
    "compare": f"/compare?a={FAILED}&b={COMPLETED}",
    "lords": "/lords",
    "workers": "/workers",
    "memory": f"/memory/agents/{AGENT.replace('/', '%2F')}",
}


@contextmanager
def served() -> Iterator[tuple[str, Tenant]]:
    """Serve a store of its own, from a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(load(database_url=f"sqlite:///{folder}/quests.db", broker_url="memory://"))
        server = GatewayServer(app, "127.0.0.1", 0)
        server.start()
        yield server.url, app.state.tenants.of("default")
        server.stop()


def take(
    browser: Browser,
    url: str,
    name: str,
    path: str,
    *,
    scheme: str = "light",
    width: int = 1_280,
    then: Callable[[Page], None] | None = None,
) -> None:
    """Take one picture.

    Parameters:
      browser: what shows the page.
      url: the gateway.
      name: the name of the picture.
      path: the page.
      scheme: "light" or "dark".
      width: how wide the window is, in pixels.
      then: what is done on the page first.
    """
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": HEIGHT},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(path)
    if then is not None:
        then(page)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()


def _replay(page: Page) -> None:
    """Open the form for a replay, and correct the input."""
    page.get_by_role("link", name="Replay from here").click()
    edited = page.get_by_role("dialog", name="Form").get_by_label("Input, edited")
    edited.fill(edited.input_value().replace("5000", "800"))
    page.locator("#preview .diff").wait_for()


if __name__ == "__main__":
    main()
