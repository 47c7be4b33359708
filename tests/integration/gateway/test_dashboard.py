"""The pages of the dashboard, read as a browser without scripts reads them."""

import html
import re
import sys
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline import LordStep, QuestClient
from questline_gateway.dashboard.rendering import assets
from questline_persistence.records import QuestRepository
from tests.integration.gateway.batches.test_batches import carry_out
from tests.integration.gateway.dashboard_quests import BIG, EVIL, edited, quest_of, run, text_of

PAGES = [
    "/compare?a=bad@v0&b=good",
    "/",
    "/quests",
    "/quests/bad",
    "/quests/good?step=0001&version=1",
    "/lords",
    "/workers",
    "/memory",
    "/memory/events",
    "/batches",
    "/control/replay/bad",
    "/submit",
]
FORMS = ["/control/retry/bad", "/control/fork/bad", "/control/delete/good", "/control/pause/good"]


@pytest.mark.parametrize("path", ["/", "/quests"])
def test_an_empty_store_teaches_the_first_quest(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert "Start your first quest" in answer.text


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("path", [*PAGES, *FORMS])
def test_every_page_escapes_what_is_stored_and_lets_nothing_run_that_stands_in_it(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert not re.search(r"<[^>]*\s(style|on\w+)=", answer.text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text)
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'"
    )
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.usefixtures("ended")
def test_every_address_on_a_page_is_one_of_ours_and_answers(http: TestClient) -> None:
    found: set[str] = set()
    for path in [*PAGES, *FORMS]:
        found |= {
            html.unescape(each) for each in re.findall(r'(?:href|src|action)="([^"#][^"]*)"', http.get(path).text)
        }
    assert all(each.startswith("/") and not each.startswith("//") for each in found)
    broken = {each for each in found if http.get(each).status_code not in {200, 405}}
    assert broken == set()


@pytest.mark.usefixtures("ended")
def test_the_page_of_a_failed_quest_says_why_it_does_not_move_and_shows_the_traceback(http: TestClient) -> None:
    text = text_of(http.get("/quests/bad").text)
    assert "It does not move: step 0002 failed for good, 2 of 2 attempts." in text
    assert f"ValueError: too many: {EVIL}" in text
    assert "Traceback (most recent call last)" in text
    assert str(BIG) in text


@pytest.mark.usefixtures("ended")
def test_a_step_and_a_version_are_chosen_by_the_address(http: TestClient) -> None:
    text = text_of(http.get("/quests/bad?step=0001&version=0").text)
    assert "page_reader:read0001" in text
    assert "State at v0" in text
    assert "No Lord had returned anything yet." in text


@pytest.mark.usefixtures("ended")
def test_calls_that_run_once_stand_with_their_step(http: TestClient) -> None:
    said = text_of(http.get("/quests/good?step=0001").text)
    assert "Calls 1 recorded, none runs again" in said
    assert f"count {EVIL}" in said
    assert "recorded, none runs again" not in text_of(http.get("/quests/good?step=0002").text)


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/quests/nope", 404),
        ("/quests/bad?step=0009", 404),
        ("/quests/bad?version=99", 404),
        ("/quests/bad?version=x", 400),
        ("/quests?status=nope", 400),
        ("/quests?cursor=nope", 400),
        ("/quests?label=nope", 400),
        ("/control/dance/bad", 404),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(http: TestClient, path: str, status: int) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


@pytest.mark.usefixtures("ended")
def test_the_list_is_filtered_on_the_server_and_shows_its_window(http: TestClient) -> None:
    text = text_of(http.get("/quests?status=failed").text)
    assert "1 match" in text
    assert "since: 24h, by default" in text
    assert "questline list --status failed --since 24h" in text


@pytest.mark.usefixtures("ended")
def test_a_search_for_an_id_opens_that_quest(http: TestClient) -> None:
    answer = http.get("/quests", params={"q": "bad"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quests/bad")


@pytest.mark.usefixtures("ended")
def test_a_search_for_words_is_added_to_the_filter(http: TestClient) -> None:
    answer = http.get("/quests", params={"q": "type:review too many", "status": "failed"}, follow_redirects=False)
    assert answer.headers["location"] == "/quests?status=failed&type=review&error=too+many"
    assert "1 match" in text_of(http.get(answer.headers["location"]).text)


def test_a_long_list_goes_on_behind_a_cursor(http: TestClient, client: QuestClient) -> None:
    client.submit_many([quest_of(1, f"many-{number:03}") for number in range(60)])
    first = http.get("/quests").text
    older = html.unescape(re.findall(r'href="([^"]*cursor=[^"]*)" rel="next"', first)[0])
    second = http.get(older).text
    ids = re.findall(r'value="(many-\d+)" data-pick', first) + re.findall(r'value="(many-\d+)" data-pick', second)
    assert sorted(ids) == [f"many-{number:03}" for number in range(60)]


def test_a_list_is_ordered_by_its_address_and_its_command_says_so(http: TestClient, client: QuestClient) -> None:
    client.submit_many([quest_of(1, f"many-{number:03}") for number in range(60)])
    first = http.get("/quests?sort=oldest").text
    newer = html.unescape(re.findall(r'href="([^"]*cursor=[^"]*)" rel="next"', first)[0])

    assert "questline list --sort oldest --since 24h" in text_of(first)
    assert "oldest first" in text_of(first)
    assert re.findall(r'value="(many-\d+)" data-pick', first)[0] == "many-000"
    assert re.findall(r'value="(many-\d+)" data-pick', http.get(newer).text)[-1] == "many-059"


def test_a_search_that_looked_at_enough_says_so_and_leads_on(
    http: TestClient, client: QuestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["questline_gateway.dashboard.pages.quest_list"], "MAX_PASSED", 2)
    client.submit_many([quest_of(1, f"q-{number}") for number in range(3)])
    page = http.get("/quests?type=rare").text

    assert "Nothing matches among the 2 looked at." in text_of(page)
    assert "Look on" in page
    assert "0+ match" in text_of(page)


def test_ids_of_every_kind_lead_to_their_quest(http: TestClient, client: QuestClient) -> None:
    for quest_id in ("a/b", "a/../b", "a?b=c#d", "a%2Fb", "a&b;c", "q/control/x"):
        client.submit(quest_of(1, quest_id))
        answer = http.get(f"/quests/{quote(quest_id, safe='')}")
        assert answer.status_code == 200
        assert html.escape(quest_id) in answer.text
    ids = {html.unescape(each) for each in re.findall(r'href="(/quests/[^"?]*)"', http.get("/quests").text)}
    assert all(http.get(each).status_code == 200 for each in ids)


def test_a_paused_quest_is_resumed_and_a_reason_stands_on_it(http: TestClient, client: QuestClient) -> None:
    client.submit(quest_of(1, "mine"))
    done = http.post("/control/pause/mine", data={"reason": "wait for prices", "version": "0"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/quests/mine")
    assert "It was paused: wait for prices." in text_of(http.get("/quests/mine").text)
    http.post("/control/resume/mine", data={})
    assert client.repository.status("mine") == "new"


def test_a_form_about_an_old_version_changes_nothing_and_keeps_what_was_typed(
    http: TestClient, client: QuestClient
) -> None:
    client.submit(quest_of(1, "mine"))
    client.pause("mine")
    answer = http.post("/control/cancel/mine", data={"reason": "no more", "version": "0"})
    assert answer.status_code == 409
    assert "v1" in text_of(answer.text)
    assert 'value="no more"' in answer.text
    assert client.repository.status("mine") == "paused"


def test_a_verb_that_does_not_apply_says_why(http: TestClient, ended: QuestRepository) -> None:
    assert "It is completed" in http.get("/control/pause/good").text
    assert http.post("/control/pause/good", data={}).status_code == 409
    assert ended.status("good") == "completed"


def test_many_quests_are_steered_after_a_preview_with_a_result_for_each(
    http: TestClient, client: QuestClient, ended: QuestRepository
) -> None:
    client.submit(quest_of(1, "mine"))
    form = {"verb": "pause", "pick": ["mine", "good"]}
    preview = http.post("/control", data=form)
    assert "Pause 2 quests" in text_of(preview.text)
    assert ended.status("mine") == "new"
    done = text_of(http.post("/control", data={**form, "action": "do", "reason": "night"}).text)
    assert "1 done1 not" in done
    assert (ended.status("mine"), ended.glance("mine").reason) == ("paused", "night")


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
    ids=str,
)
def test_a_form_that_another_site_sent_is_refused(
    http: TestClient, client: QuestClient, headers: dict[str, str]
) -> None:
    client.submit(quest_of(1, "mine"))
    assert http.post("/control/cancel/mine", data={"version": "0"}, headers=headers).status_code == 403
    assert client.repository.status("mine") == "new"


def test_a_form_that_a_page_of_ours_sent_is_taken(http: TestClient, client: QuestClient) -> None:
    client.submit(quest_of(1, "mine"))
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}
    assert http.post("/control/cancel/mine", data={"version": "0"}, headers=headers).status_code == 200
    assert client.repository.status("mine") == "cancelled"


def test_under_a_base_path_every_address_stands_below_it(gateway: FastAPI, client: QuestClient) -> None:
    client.submit(quest_of(1, "a/b"))
    below = TestClient(gateway, root_path="/quests-of-us")
    page = below.get("/quests-of-us/quests/a%2Fb").text
    found = {html.unescape(each) for each in re.findall(r'(?:href|src|action)="(/[^"]*)"', page)}
    assert found
    assert all(each.startswith("/quests-of-us/") for each in found)
    assert all(below.get(each).status_code == 200 for each in found if "/control" not in each)


def test_the_script_of_others_is_checked_by_the_browser(http: TestClient) -> None:
    assert f'integrity="{assets().integrity("vendor/htmx.min.js")}"' in http.get("/").text


def test_a_long_quest_is_shown_in_parts(http: TestClient, client: QuestClient) -> None:
    steps = [LordStep("page_reader", "read") for _ in range(2_000)]
    client.submit(quest_of(1, "long", execution_stack=steps))
    middle = http.get("/quests/long?step=1000").text
    assert middle.count("data-lane") <= 60
    assert "earlier steps" in middle
    assert "later steps" in middle


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=bad@v0&b=bad", "run_data.page_readernot there+"),
        ("a=bad&b=good", "input_data.limits.most501"),
        ("a=good&b=good", "They are equal."),
    ],
)
def test_two_quests_or_versions_are_compared(http: TestClient, query: str, expected: str) -> None:
    text = text_of(http.get(f"/compare?{query}").text)
    assert expected.rstrip("+") in text


def test_two_attempts_are_compared(http: TestClient, ended: QuestRepository) -> None:
    first, last = (run.run_id for run in ended.runs("bad") if run.position == "0002")
    link = html.escape(f"/compare?a=bad%23{first}&b=bad%23{last}")
    assert link in http.get("/quests/bad").text
    assert "What changed" in http.get(html.unescape(link)).text


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("query", ["a=bad&b=nope", "a=bad&b=bad@v99", "a=bad%2399999&b=bad", "a=bad%230&b=bad"])
def test_what_cannot_be_compared_is_not_found(http: TestClient, query: str) -> None:
    assert http.get(f"/compare?{query}").status_code == 404


def test_the_same_error_of_many_quests_is_one_row_and_all_are_retried(
    gateway: FastAPI, http: TestClient, ended: QuestRepository
) -> None:
    run(ended, quest_of(60, "worse"))
    page = http.get("/lords").text
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*Retry all.*?</tr>", page, re.DOTALL)
    assert row
    assert "ValueError too many" in text_of(row[0])
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', row[0]))
    form = {name: html.unescape(value) for name, value in fields.items()}
    assert "Retry 2 quests" in text_of(http.post("/control", data=form).text)
    assert "Retry many quests" in text_of(http.post("/batches", data={**form, "action": "do"}).text)
    carry_out(gateway.state.tenants.of("default"))
    assert {str(ended.status(each)) for each in ("bad", "worse")} == {"running"}
    assert "2 quests failed" not in text_of(http.get("/").text)


def test_what_is_done_on_a_page_stands_in_the_audit_with_its_reason(http: TestClient, client: QuestClient) -> None:
    client.submit(quest_of(1, "mine"))
    http.post("/control/pause/mine", data={"reason": f"night {EVIL}", "version": "0"})
    http.post("/control/resume/mine", data={"reason": "morning"})
    http.post("/control/replay/mine", data={"from": "0001", "input": edited(2), "action": "do", "reason": "another"})
    page = http.get("/audit").text
    assert EVIL not in page
    text = text_of(page)
    for verb, reason in (("pause", f"“night {EVIL}”"), ("resume", "“morning”"), ("replay", "“another”")):
        assert f"{verb}mine{reason}dashboard" in text
    assert "“morning”" not in text_of(http.get("/audit?verb=pause").text)
    assert http.get("/audit?verb=dance").status_code == 400
    assert http.get("/audit?since=1h&actor=nobody").status_code == 200


def test_without_a_key_the_page_of_keys_says_what_that_means(http: TestClient) -> None:
    assert "There is no key." in text_of(http.get("/keys").text)
