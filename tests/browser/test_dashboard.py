"""The dashboard as people use it: with a browser, a mouse, and keys."""

import re

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from questline import LordStep
from questline_scheduler import quest_types
from tests.browser.conftest import Site
from tests.browser.quests import BIG, review

expect.set_options(timeout=15_000)


def _failed(site: Site, quest_id: str = "bad") -> None:
    site.client.submit(review(quest_id))
    site.work(quest_id)
    assert site.client.repository.status(quest_id) == "failed"


def test_what_is_submitted_by_http_stands_in_the_list_and_opens(site: Site, page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Start your first quest")).to_be_visible()
    answer = httpx2.post(f"{site.url}/api/v1/quests", json=review("mine").model_dump(include=_GIVEN))
    assert answer.status_code == 201, answer.text
    page.goto("/quests")
    page.get_by_role("link", name="codebase_review mine").click()
    expect(page).to_have_url(re.compile("/quests/mine$"))
    expect(page.get_by_role("heading", name="codebase_review")).to_be_visible()
    expect(page.locator(".why")).to_contain_text("no worker is alive")


def test_a_new_quest_is_written_in_a_form_that_a_key_opens(
    site: Site, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quest_types, "_TYPES", {})  # where one is known, the field for steps is folded away
    page.goto("/quests")
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Form")
    expect(dialog.get_by_role("combobox", name="Type")).to_be_focused()
    page.keyboard.type("codebase_review")
    dialog.get_by_label("Input").fill("{")
    dialog.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main")).to_contain_text("the input is not JSON")
    page.get_by_label("Input").fill('{"files": 3}')
    page.get_by_role("textbox", name="Steps").fill("surveyor:survey")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="codebase_review")).to_be_visible()
    (made,) = site.client.repository.page().items
    assert (made.input_data, made.queue) == ({"files": 3}, "default")


_GIVEN = {"quest_id", "quest_type", "input_data", "execution_stack"}


def test_a_quest_is_paused_with_a_reason_and_resumed_by_key(site: Site, page: Page) -> None:
    site.client.submit(review("mine"))
    page.goto("/quests/mine")
    page.keyboard.press("p")
    dialog = page.get_by_role("dialog", name="Form")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("wait for prices")
    page.keyboard.press("Enter")
    expect(page.locator(".why")).to_contain_text("It was paused: wait for prices.")
    page.wait_for_load_state()  # the script that hears keys comes after the text
    page.keyboard.press("p")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".head .pill")).to_have_text("New")
    assert site.client.repository.status("mine") == "new"


def test_a_failed_quest_is_found_understood_corrected_and_replayed(site: Site, page: Page) -> None:
    _failed(site)
    page.goto("/")
    page.get_by_role("link", name="See why").click()
    expect(page.locator(".why")).to_contain_text("step 0002 failed for good, 2 of 2 attempts")
    expect(page.locator("#traceback")).to_contain_text("in read_risks")
    page.get_by_role("link", name="Replay from here").click()
    dialog = page.get_by_role("dialog", name="Form")
    edited = dialog.get_by_label("Input, edited")
    expect(edited).to_contain_text(str(BIG))
    edited.fill(edited.input_value().replace("5000", "800"))
    expect(dialog.locator("#preview .diff")).to_contain_text("input_data.limits.max_findings")
    expect(dialog.locator("#preview .plan")).to_contain_text("runs for the first time")
    dialog.get_by_role("button", name="Replay as epoch 1").click()
    expect(page.locator(".head .pill")).to_have_text("Running")
    site.work("bad")
    page.reload()
    expect(page.locator(".head .pill")).to_have_text("Completed")
    quest = site.client.get("bad")
    assert (quest.epoch, quest.input_data["limits"]) == (1, {"max_findings": 800, "cost": BIG})


def test_a_mistake_in_the_edited_input_is_told_beside_it(site: Site, page: Page) -> None:
    _failed(site)
    page.goto("/quests/bad")
    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Form")
    dialog.get_by_label("Input, edited").fill("{")
    expect(dialog.get_by_role("alert")).to_contain_text("the input is not JSON")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert site.client.repository.glance("bad").epoch == 0


def test_filters_live_in_the_address_and_back_keeps_them(site: Site, page: Page) -> None:
    _failed(site)
    site.client.submit(review("other", quest_type="other"))
    page.goto("/quests")
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_label("Add a filter").fill("type:codebase_review findings asked")
    page.get_by_label("Add a filter").press("Enter")
    expect(page).to_have_url(re.compile(r"\?type=codebase_review&error=findings\+asked$"))
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_role("link", name="codebase_review bad").click()
    expect(page).to_have_url(re.compile("/quests/bad$"))
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_label("Remove filter error findings asked").click()
    expect(page).to_have_url(re.compile(r"\?type=codebase_review$"))


def test_keys_move_select_and_open(site: Site, page: Page) -> None:
    site.client.submit_many([review("one"), review("two"), review("three")])
    page.goto("/quests")
    expect(page.locator(".bulk")).to_be_hidden()
    for key in ("j", "x", "j", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-number]")).to_have_text("2")
    expect(page.locator("tr[aria-selected=true]")).to_have_count(2)
    page.keyboard.press("k")
    name = page.locator("tr.cur a").first.get_attribute("title")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/quests/{name}$"))
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page).to_have_url(re.compile("/workers$"))
    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_selected_quests_are_steered_after_a_preview(site: Site, page: Page) -> None:
    site.client.submit_many([review("one"), review("two"), review("three")])
    page.goto("/quests")
    page.get_by_label("Select one").check()
    page.get_by_label("Select three").check()
    page.get_by_role("button", name="Pause…").click()
    expect(page.locator("#form")).to_contain_text("Pause 2 quests")
    page.get_by_label("Reason").fill("night")
    page.get_by_role("button", name="Pause 2").click()
    expect(page.locator("main")).to_contain_text("2 done")
    statuses = {quest.quest_id: str(quest.status) for quest in site.client.list()}
    assert statuses == {"one": "paused", "two": "new", "three": "paused"}


def test_a_step_is_swapped_in_and_back_brings_the_old_one(site: Site, page: Page) -> None:
    _failed(site)
    page.goto("/quests/bad")
    page.evaluate("window.kept = true")
    page.locator("[data-lane]").first.click()
    expect(page.locator("#step h2")).to_have_text("surveyor:survey")
    expect(page.locator("#output")).to_contain_text(str(BIG))
    expect(page.locator("[data-lane][aria-current]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?step=0001$"))
    assert page.evaluate("window.kept") is True
    page.get_by_label("Version 1, checkpoint").click()
    expect(page.locator("#state h2")).to_have_text("State at v1")
    page.go_back()
    expect(page).to_have_url(re.compile(r"\?step=0001$"))
    expect(page.locator("#state h2")).to_have_text("State at v2")
    page.go_back()
    expect(page.locator("#step h2")).to_have_text("risk_reader:read_risks")


def test_the_chosen_scheme_holds_on_the_next_page(page: Page) -> None:
    page.goto("/workers")
    page.emulate_media(color_scheme="light")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != before
    page.goto("/lords")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_text_is_copied_on_plain_http(site: Site, context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["clipboard-read"])
    site.client.submit(review("mine"))
    page.goto("/quests/mine")
    page.get_by_role("button", name="Copy id").click()
    expect(page.locator("#say")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "mine"


def test_nothing_that_stands_within_a_page_can_run(context: BrowserContext) -> None:
    page = context.new_page()  # one that may report errors: here they are what is looked for
    page.goto("/workers")
    refused = page.evaluate(
        """() => new Promise((resolve) => {
          const seen = [];
          document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "https://elsewhere.example/pixel.png";
          document.body.append(image);
          document.body.insertAdjacentHTML("beforeend", "<p style='color: red' onclick='window.ran = true'>x</p>");
          document.body.lastElementChild.click();
          setTimeout(() => resolve([window.ran === undefined, [...new Set(seen)].sort()]), 300);
        })"""
    )
    assert refused == [True, ["img-src", "script-src-attr", "script-src-elem", "style-src-attr"]]


def test_a_form_that_another_site_sends_is_refused(site: Site, context: BrowserContext) -> None:
    site.client.submit(review("mine"))
    stranger = context.new_page()
    stranger.set_content(f"<form method=post action='{site.url}/control/cancel/mine'><button>win</button></form>")
    stranger.get_by_role("button").click()
    expect(stranger.locator("body")).to_contain_text("another site")
    assert site.client.repository.status("mine") == "new"


def test_two_attempts_and_two_versions_are_compared(site: Site, page: Page) -> None:
    _failed(site)
    page.goto("/quests/bad")
    page.locator("#step").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    page.go_back()
    page.get_by_label("Version 0, start").click()
    page.get_by_role("link", name="Compare with v2").click()
    expect(page.locator("#diff")).to_contain_text("run_data.surveyor")
    expect(page.locator("#diff .add").first).to_contain_text(str(BIG))


def test_a_quest_of_5000_steps_is_shown_in_parts(site: Site, page: Page) -> None:
    site.client.submit(review("long", execution_stack=[LordStep("surveyor", "survey")] * 5_000))
    page.goto("/quests/long")
    expect(page.locator("[data-lane]")).to_have_count(60)
    page.get_by_role("link", name="4,940 later steps").click()
    expect(page.get_by_role("link", name="earlier steps")).to_be_visible()
    expect(page.locator("[data-lane][aria-current]")).to_contain_text("0061")
    page.goto("/quests/long?step=5000")
    expect(page.locator("#step h2")).to_have_text("surveyor:survey")


def test_an_output_of_a_megabyte_is_cut_and_says_so(site: Site, page: Page) -> None:
    site.client.submit(review("large", execution_stack=[LordStep("scribe", "write")]))
    site.work("large")
    page.goto("/quests/large")
    expect(page.locator("#output")).to_contain_text("more, too many for a page")
    assert len(page.content()) < 400_000


def test_pages_read_without_scripts(site: Site, browser: Browser) -> None:
    _failed(site)
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/quests")
    page.get_by_role("link", name="codebase_review bad").click()
    page.get_by_role("link", name="Replay from here").click()
    page.get_by_label("Input, edited").fill('{"limits": {"max_findings": 800, "cost": 1}}')
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("input_data.limits.max_findings")
    page.get_by_role("button", name="Replay as epoch 1").click()
    expect(page.locator(".head .pill")).to_have_text("Running")
    context.close()
