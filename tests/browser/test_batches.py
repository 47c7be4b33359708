"""Many quests at once in a browser: chosen in the list, previewed, watched on a page, aborted."""

import re

from playwright.sync_api import Page, expect

from questline import LordStep
from questline_persistence.batches import BatchWork
from questline_persistence.recovery import Bells
from questline_scheduler.doorbells import Ringer
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.browser.conftest import Site
from tests.browser.quests import review

expect.set_options(timeout=15_000)
#: More quests than a page of the list has.
MANY = 52


def _runner(site: Site) -> BatchRunner:
    """Return what workers carry batches out with; this one stops after each quest."""
    repository = site.client.repository
    ringer = Ringer(site.client.broker, Bells(repository.database, repository.namespace))
    return BatchRunner(BatchWork(repository.database, repository.namespace), ringer, longest_run=0)


def test_all_that_match_are_retried_and_the_batch_is_aborted(site: Site, page: Page) -> None:
    step = LordStep("risk_reader", "read_risks", max_attempts=1)
    quests = [review(f"bad-{number}", execution_stack=[step]) for number in range(MANY)]
    site.client.submit_many(quests)
    site.work(*(f"bad-{number}" for number in range(MANY)))
    page.goto("/quests?status=failed")
    page.get_by_label("Select this page").check()
    page.get_by_label(f"all {MANY} that match").check()
    page.get_by_role("button", name="Retry…").click()
    expect(page.locator("#form")).to_contain_text(f"Retry {MANY} quests")
    page.get_by_label("Name").fill("after the outage")
    page.get_by_label("Reason").fill("it is back")
    page.get_by_role("button", name=f"Retry {MANY}").click()
    expect(page).to_have_url(re.compile("/batches/[^/]+$"))
    expect(page.get_by_role("heading", name="after the outage")).to_be_visible()
    expect(page.locator(".head .pill")).to_have_text("New")
    _runner(site).run_once()
    expect(page.locator(".head .pill")).to_have_text("Running")
    expect(page.get_by_label("Results", exact=True).locator("tr[data-row]").first).to_contain_text("Changed")
    page.get_by_role("link", name="Abort…").click()
    page.get_by_role("dialog", name="Form").get_by_label("Reason").fill("the wrong ones")
    page.get_by_role("button", name="Abort").click()
    expect(page.locator(".head .pill")).to_have_text("Aborted")
    done = site.client.batches.list().items[0].done
    _runner(site).run_once()
    assert 0 < done < MANY
    assert len(site.client.list(status="failed", limit=MANY)) == MANY - done
