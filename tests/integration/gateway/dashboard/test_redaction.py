"""What the settings hide is on no page, and no form puts what stands in its place into a quest."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline import LordContext, LordStep, Quest, QuestExecutor, lord
from questline.memory import AgentState, StateStore
from questline_gateway.app import create_app
from questline_gateway.security import HIDDEN
from questline_persistence.settings import load
from tests.integration.gateway.dashboard_quests import text_of

HIDDEN_VALUE = "hunter2-nobody-reads-this"


@lord("page_vault", "open")
def open_vault(ctx: LordContext) -> dict[str, Any]:
    """Say, call and return what nobody is to see."""
    ctx.log.info("opened", password=HIDDEN_VALUE)
    ctx.once("look", dict, password=HIDDEN_VALUE)
    return {"token": "seen", "password": HIDDEN_VALUE}


def vault(quest_id: str) -> Quest:
    step = LordStep("page_vault", "open", params={"password": HIDDEN_VALUE, "floor": 1})
    data = {"customer": {"email": HIDDEN_VALUE, "name": "Ada"}, "password": HIDDEN_VALUE}
    return Quest(quest_id=quest_id, quest_type="vault", input_data=data, execution_stack=[step])


@pytest.fixture
def app(sqlite_url: str) -> Iterator[FastAPI]:
    hidden = {"redact_keys": "*password*", "redact_paths": "input_data.customer.email"}
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", **hidden))
    repository = app.state.tenants.of("default").repository

    async def fill() -> None:
        with QuestExecutor(repository=repository) as executor:
            await executor.execute_quest(vault("open"))
        async with StateStore(sqlite_url) as store:
            await store.save_agent_state(AgentState(agent_id="keeper", state_data=f'{{"password": "{HIDDEN_VALUE}"}}'))
            await store.save_agent_state(AgentState(agent_id="keeper", state_data=f'{{"password": "{HIDDEN_VALUE}!"}}'))

    asyncio.run(fill())
    app.state.tenants.of("default").client.submit(vault("ready"))
    yield app
    app.state.tenants.close()


@pytest.mark.parametrize(
    "path",
    [
        "/quests/open",
        "/quests/open?version=1",
        "/quests?since=any",
        "/compare?a=open@v0&b=open@v1",
        "/compare?a=open&b=ready",
        "/control/replay/open",
        "/control/fork/open",
        "/memory/agents/keeper",
    ],
)
def test_what_is_hidden_is_on_no_page(app: FastAPI, path: str) -> None:
    page = TestClient(app).get(path)

    assert page.status_code == 200
    assert HIDDEN_VALUE not in page.text
    assert HIDDEN in page.text or path.startswith(("/quests?", "/compare?a=open&"))


def test_a_correction_beside_what_is_hidden_leaves_it_as_it_is(app: FastAPI) -> None:
    sent = {
        "from": "0001",
        "input": f'{{"customer": {{"email": "{HIDDEN}", "name": "Bo"}}, "password": "{HIDDEN}"}}',
        "params_of": "0001",
        "params": f'{{"password": "{HIDDEN}", "floor": 2}}',
    }
    preview = TestClient(app).post("/control/replay/open", data=sent | {"action": "preview"})
    TestClient(app).post("/control/replay/open", data=sent | {"action": "do"})

    assert "input_data.customer.nameAda" in text_of(preview.text).replace('"', "")
    quest = app.state.tenants.of("default").repository.load_quest("open")
    assert quest.input_data == {"customer": {"email": HIDDEN_VALUE, "name": "Bo"}, "password": HIDDEN_VALUE}
    assert quest.execution_stack[0].params == {"password": HIDDEN_VALUE, "floor": 2}


def test_what_stands_in_the_place_of_a_value_is_not_written(app: FastAPI) -> None:
    sent = {"from": "0001", "input": f'{{"customer": {{"email": "{HIDDEN}"}}, "password": "{HIDDEN}"}}', "action": "do"}
    page = TestClient(app).post("/control/replay/open", data=sent)

    assert page.status_code == 400
    assert "holds what is hidden" in text_of(page.text)
    assert app.state.tenants.of("default").repository.glance("open").epoch == 0
