"""What the pages tell of workers, Lords and queues costs the same whatever the store holds."""

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from starlette.testclient import TestClient

from questline_gateway.dashboard import fleet
from tests.integration.gateway.dashboard_quests import quest_of, text_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "New3+"),
        ("/", "3+ steps wait for"),
        ("/lords", "3+ quests wait for"),
        ("/workers", "default no worker listens3+"),
    ],
)
def test_counting_ends_at_a_bound_and_says_so(
    gateway: FastAPI, http: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, expected: str
) -> None:
    monkeypatch.setattr(fleet, "MAX_SHOWN_COUNT", 3)
    gateway.state.tenants.of("default").client.submit_many([quest_of(1, f"q-{number}") for number in range(5)])

    assert expected in text_of(http.get(path).text)


@pytest.mark.parametrize("path", ["/", "/lords", "/workers", "/quests"])
def test_a_page_asks_the_store_as_much_for_many_quests_as_for_few(
    gateway: FastAPI, http: TestClient, path: str
) -> None:
    here = gateway.state.tenants.of("default")
    statements: list[str] = []
    event.listen(here.database.engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2])))

    def asked(numbers: range) -> int:
        here.client.submit_many([quest_of(1, f"q-{number}") for number in numbers])
        statements.clear()
        assert http.get(path).status_code == 200
        return len(statements)

    assert asked(range(2)) == asked(range(2, 40))
