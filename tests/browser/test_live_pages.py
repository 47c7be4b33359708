"""Pages that keep themselves up to date, and wait while somebody is in the middle of something."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.quests import review

expect.set_options(timeout=15_000)


def _told_of_another(site: Site, page: Page, quest_id: str) -> None:
    """Submit a quest, and return when the stream of the page has told of it."""
    page.evaluate(
        """() => {
          const stream = new EventSource("/api/v1/events");
          stream.addEventListener("ready", () => { window.ready = true; });
          stream.addEventListener("quest", () => { window.told = true; stream.close(); });
        }"""
    )
    page.wait_for_function("() => window.ready")
    site.client.submit(review(quest_id))
    page.wait_for_function("() => window.told")


def _let_go(page: Page) -> None:
    """Leave the box that was ticked, and the row that it stands in."""
    page.get_by_label("Select one").blur()
    page.mouse.move(1, 1)


def test_a_quest_is_watched_to_its_end_without_a_reload(site: Site, page: Page) -> None:
    site.client.submit(review("mine", max_findings=800))
    page.goto("/quests/mine")
    expect(page.locator("[data-do=live]")).to_have_text("Live")
    page.evaluate("window.kept = true")
    page.locator("#timeline [data-lane]").last.click()
    expect(page.locator("#step h2")).to_have_text("surveyor:survey")
    site.work("mine")
    expect(page.locator(".head .pill")).to_have_text("Completed")
    expect(page.locator("#timeline")).to_contain_text("3 of 3 steps committed")
    expect(page.locator("#state h2")).to_have_text("State at v3")
    expect(page.locator("[data-do=live]")).to_be_hidden()
    assert page.evaluate("window.kept") is True


def test_the_list_and_the_overview_follow_what_is_submitted(site: Site, page: Page) -> None:
    site.client.submit(review("one"))
    page.goto("/quests")
    site.client.submit(review("two"))
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.goto("/")
    new = page.locator(".tiles a", has_text="not begun").locator("b")
    expect(new).to_have_text("2")
    site.client.submit(review("three"))
    expect(new).to_have_text("3")


def test_a_list_waits_while_rows_are_ticked(site: Site, page: Page) -> None:
    site.client.submit(review("one"))
    page.goto("/quests")
    page.get_by_label("Select one").check()
    _let_go(page)
    expect(page.locator("[data-do=live]")).to_have_text("Paused")
    _told_of_another(site, page, "two")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_label("Select one").uncheck()
    _let_go(page)
    expect(page.locator("tr[data-row]")).to_have_count(2)


def test_a_page_that_was_paused_stays_so_on_the_next_one(site: Site, page: Page) -> None:
    site.client.submit(review("one"))
    page.goto("/quests")
    page.keyboard.press(".")
    expect(page.locator("[data-do=live]")).to_have_text("Paused")
    page.goto("/")
    expect(page.locator("[data-do=live]")).to_have_text("Paused")
    _told_of_another(site, page, "two")
    new = page.locator(".tiles a", has_text="not begun").locator("b")
    expect(new).to_have_text("1")
    page.keyboard.press(".")
    expect(new).to_have_text("2")


def test_a_lost_stream_is_told_and_found_again(site: Site, browser: Browser) -> None:
    site.client.submit(review("one"))
    context = browser.new_context(base_url=site.url)
    page = context.new_page()  # one that may report errors: what is lost is one
    page.route("**/api/v1/events", lambda route: route.fulfill(status=503))
    page.goto("/quests")
    expect(page.locator("[data-do=live]")).to_contain_text("Reconnecting, as of")
    page.unroute("**/api/v1/events")
    expect(page.locator("[data-do=live]")).to_have_text("Live")
    site.client.submit(review("two"))
    expect(page.locator("tr[data-row]")).to_have_count(2)
    context.close()
