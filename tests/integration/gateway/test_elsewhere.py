"""The page of a quest links to its logs and its trace, where the settings name them."""

import re

import pytest
from fastapi.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import load
from tests.integration.gateway.dashboard_quests import quest_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def _links(sqlite_url: str, quest_id: str, **more: object) -> list[str]:
    settings = load(
        database_url=sqlite_url,
        broker_url="memory://",
        link_logs="https://logs.test/?q={quest_id}",
        link_traces="http://traces.test/{trace_id}",
    )
    app = create_app(settings)
    app.state.tenants.of("default").client.submit(quest_of(1, quest_id, **more))
    try:
        page = TestClient(app).get(f"/quests/{quest_id}").text
    finally:
        app.state.tenants.close()
    return re.findall(r'href="(https?://[^"]+)"', page)


def test_a_quest_leads_to_its_logs_and_its_trace(sqlite_url: str) -> None:
    labels = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

    assert _links(sqlite_url, "a/b&c", labels=labels) == [
        "https://logs.test/?q=a%2Fb%26c",
        f"http://traces.test/{TRACE}",
    ]


@pytest.mark.parametrize("label", [None, "00-x", f"00-{TRACE}/../..-00f067aa0ba902b7-01"])
def test_a_quest_without_a_trace_leads_to_its_logs_alone(sqlite_url: str, label: str | None) -> None:
    labels = {} if label is None else {"traceparent": label}

    assert _links(sqlite_url, "mine", labels=labels) == ["https://logs.test/?q=mine"]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "//logs.test/", "https://{quest_id}.test/", "https://logs.test/{other}", "https://a b/"],
)
def test_what_is_no_address_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        load(link_logs=address)
