"""Replays and forks on the dashboard: previewed, edited, done."""

import html

import pytest
from starlette.testclient import TestClient

from questline_persistence.records import QuestRepository
from tests.integration.gateway.dashboard_quests import BIG, edited, text_of


def test_a_replay_is_previewed_with_what_was_changed_and_what_runs_again(
    http: TestClient, ended: QuestRepository
) -> None:
    answer = http.post("/control/replay/bad", data={"from": "0002", "input": edited(1), "action": "preview"})
    text = text_of(answer.text)
    assert answer.status_code == 200
    assert "input_data.limits.most501" in text
    assert "0001kept, it does not run again" in text
    assert "0002 page_risks:findruns again" in text
    assert "--set input_data.limits.most=1" in text
    assert ended.status("bad") == "failed"


def test_a_replay_with_edited_input_runs_again_as_the_next_epoch(http: TestClient, ended: QuestRepository) -> None:
    version = str(ended.glance("bad").version)
    form = {"from": "0002", "input": edited(1), "action": "do", "version": version}
    answer = http.post("/control/replay/bad", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quests/bad")
    quest = ended.load_quest("bad")
    assert (quest.epoch, quest.status, quest.input_data["limits"]) == (1, "running", {"most": 1, "cost": BIG})


def test_a_replay_with_edited_params_gives_them_to_the_step_that_runs_first(
    http: TestClient, ended: QuestRepository
) -> None:
    sent = {"from": "0002", "params_of": "0002", "params": '{"limits": {"most": 5}}', "input": edited(50)}
    page = http.post("/control/replay/bad", data=sent | {"action": "preview"})
    done = http.post("/control/replay/bad", data=sent | {"action": "do"}, follow_redirects=False)

    assert "Params of step 0002, edited" in text_of(page.text)
    assert 'execution_stack.0002.params."limits"' in text_of(page.text)
    assert done.status_code == 303
    assert ended.load_quest("bad").execution_stack[0].params == {"limits": {"most": 5}}


def test_what_was_typed_for_the_params_of_another_step_is_left_out(http: TestClient, ended: QuestRepository) -> None:
    sent = {"from": "0001", "params_of": "0002", "params": '{"limits": {"most": 5}}'}
    page = http.post("/control/replay/bad", data=sent | {"action": "preview"})
    http.post("/control/replay/bad", data=sent | {"action": "do"})

    assert "Params of step 0001, edited" in text_of(page.text)
    assert [step.params for step in ended.load_quest("bad").execution_stack] == [{}, {}]


@pytest.mark.parametrize("written", ["{", "[]", '{"limits": {"most": 1}}'])
def test_an_input_that_cannot_be_is_refused_and_kept_to_be_mended(
    http: TestClient, ended: QuestRepository, written: str
) -> None:
    answer = http.post("/control/replay/bad", data={"from": "0002", "input": written, "action": "do"})
    assert answer.status_code == 400
    assert html.escape(written).replace("&quot;", "&#34;") in answer.text
    assert ended.glance("bad").epoch == 0


def test_a_fork_is_a_new_quest(http: TestClient, ended: QuestRepository) -> None:
    form = {"from": "0002", "input": edited(1), "new_id": "second", "action": "do"}
    answer = http.post("/control/fork/bad", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/quests/second"
    assert ended.status("bad") == "failed"
    assert "Forked from" in http.get("/quests/second").text
