"""The description of the API: committed as a file, true of every answer, and shown without any outside address."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from questline_gateway.api import preferences
from questline_gateway.app import create_app
from questline_gateway.live import streams
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_persistence.settings import load
from questline_scheduler.client import Wait
from tests.integration.gateway.test_quests import QUESTS, a_quest

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
#: What is there, by the names of parameters of paths.
THERE = {"quest_id": "q/1", "run_id": "q/1", "version": 0, "agent_id": "planner"}
#: How many requests each operation gets; every second is for something that is there.
EXAMPLES = 6


@pytest.fixture
def described(gateway: FastAPI, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The gateway, something to look at, and nobody who waits."""
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(preferences, "Wait", lambda repository, quest_id, _: Wait(repository, quest_id, 0))
    TestClient(gateway).post(QUESTS, json=a_quest(quest_id="q/1"))
    States(gateway.state.tenants.of("default").kept()).save_agent_state(AgentState(agent_id="planner"))
    return gateway


def test_the_committed_description_is_that_of_the_code(gateway: FastAPI) -> None:
    assert json.loads(COMMITTED.read_text()) == gateway.openapi()


def test_the_description_is_the_same_whatever_the_settings_are(gateway: FastAPI) -> None:
    other = create_app(load(http_base_path="/quests", namespace="other", max_input_bytes=5_000))

    assert other.openapi() == gateway.openapi()
    assert gateway.openapi()["openapi"].startswith("3.1")
    other.state.tenants.close()


@pytest.mark.timeout(120)
def test_every_answer_is_as_described_whatever_is_sent(described: FastAPI) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", described)
    wrong = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        try:
            _send(operation)
        except Exception as error:  # noqa: BLE001  (all that is wrong is told at once)
            wrong[operation.label] = str(error)
    assert wrong == {}


def _send(operation: Any) -> None:
    """Send what an operation takes, and what it does not, and check each answer."""
    numbers = count()

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        database=None,
        derandomize=True,
        deadline=None,
    )
    def send(case: Case) -> None:
        if next(numbers) % 2:
            case.path_parameters |= {name: THERE[name] for name in case.path_parameters if name in THERE}
        answer = case.call()
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])  # a cursor is more than text

    send()


def test_the_api_explains_itself_without_any_outside_address(described: FastAPI) -> None:
    page = TestClient(described).get("/docs")

    assert page.status_code == 200
    for operation in ("submit_quest", "replay_quest", "list_memories"):
        assert f'id="{operation}"' in page.text
    assert "If-Match" in page.text or "if-match" in page.text
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
    assert addresses
    assert [one for one in addresses if not one.startswith(("/", "#"))] == []
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
