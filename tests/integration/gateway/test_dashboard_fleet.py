"""What the pages tell of workers, Lords and queues costs the same whatever the store holds."""

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from starlette.testclient import TestClient

from questline_gateway.dashboard import fleet
from questline_persistence.schema import runs
from tests.integration.gateway.dashboard_quests import quest_of, run, text_of


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


def test_durations_are_told_by_rank_and_by_version_of_the_code(both: TestClient) -> None:
    here = both.app.state.tenants.of("default")  # type: ignore[attr-defined]  # it is the gateway
    run(here.repository, *(quest_of(1, f"q-{number}") for number in range(4)))
    timed = runs.update().where(runs.c.lord_name == "page_reader")
    with here.database.engine.begin() as connection:
        for number, version in ((1, None), (2, "1.0"), (3, "1.0"), (40, "1.1")):
            one = timed.where(runs.c.quest_id == f"q-{min(number, 4) - 1}")
            connection.execute(one.values(duration_seconds=number, code_version=version))

    def told(by_version: bool) -> list[tuple[str | None, int, float, float]]:
        found = here.statistics.durations("page_reader", by_version=by_version)
        return [(one.code_version, one.runs, one.p50_seconds, one.p95_seconds) for one in found]

    assert told(by_version=False) == [(None, 4, 2.0, 40.0)]
    assert told(by_version=True) == [("1.1", 1, 40.0, 40.0), ("1.0", 2, 2.0, 3.0), (None, 1, 1.0, 1.0)]
    assert here.statistics.durations("nobody") == []
    assert "read1.0" in text_of(both.get("/lords?lord=page_reader").text)
    for path in ("/", "/lords"):
        assert "2.0 s40.0 s" in text_of(both.get(path).text)
