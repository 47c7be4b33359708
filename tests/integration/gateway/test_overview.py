"""Numbers and lists about a namespace: the same as the command line's."""

from starlette.testclient import TestClient

from questline_persistence.recovery import WorkerCard
from questline_persistence.store import Database
from tests.integration.gateway.test_quests import QUESTS, a_quest

API = "/api/v1"


def test_statistics_count_what_there_is(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest())

    found = http.get(f"{API}/stats").json()

    assert (found["new"], found["total_quests"]) == (1, 1)
    assert found["counters"]["workers_lost"] == 0
    assert http.get(f"{API}/lords?lord=architect").json()["items"] == []


def test_what_ended_over_time_is_the_same_by_http_and_on_the_overview(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest(quest_id="q"))
    found = http.get(f"{API}/stats/throughput", params={"span": "day"}).json()
    page = http.get("/?span=day").text

    assert (found["completed"], found["failure_rate"], len(found["buckets"])) == (0, None, 24)
    assert "No quest ended in the last day." in page
    assert http.get(f"{API}/stats/throughput", params={"span": "year"}).status_code == 422


def test_queues_tell_what_waits_and_who_listens(both: TestClient) -> None:
    tenants = both.app.state.tenants  # type: ignore[attr-defined]  # it is the gateway
    for number in range(3):
        both.post(QUESTS, json=a_quest(quest_id=f"q-{number}", queue="slow"))
    both.post(f"{QUESTS}/q-0/pause")
    card = WorkerCard("w", "", "host", 1, 8, queues=("default", "slow"))
    tenants.of("default").register.enter(card, lease_seconds=60)

    default, slow = both.get(f"{API}/queues").json()["items"]

    assert (default["queue"], default["ready"], default["oldest_seconds"], default["workers"]) == (
        "default",
        0,
        None,
        1,
    )
    told = (
        slow["queue"],
        slow["ready"],
        slow["held"],
        slow["later"],
        slow["running"],
        slow["workers"],
        slow["threads"],
    )
    assert told == ("slow", 2, 1, 0, 0, 1, 8)
    assert slow["oldest_seconds"] >= 0
    (worker,) = both.get(f"{API}/workers").json()["items"]
    assert (worker["worker_id"], worker["state"], worker["claims"]) == ("w", "live", [])


def test_namespaces_are_those_that_have_quests(both: TestClient) -> None:
    tenants = both.app.state.tenants  # type: ignore[attr-defined]  # it is the gateway
    for namespace in ("b", "a"):
        tenants.of(namespace).client.submit(a_quest(quest_id=f"q-{namespace}"))

    assert both.get(f"{API}/namespaces").json()["items"] == [{"namespace": "a"}, {"namespace": "b"}]
    assert both.get(QUESTS).json()["items"] == []
    assert both.get(f"{QUESTS}/q-a").status_code == 404


def test_clients_of_namespaces_share_one_store(http: TestClient) -> None:
    tenants = http.app.state.tenants  # type: ignore[attr-defined]  # it is the gateway

    found = {tenants.of(f"n{number}").database for number in range(70)}

    assert len(found) == 1
    assert isinstance(found.pop(), Database)
    assert len(tenants._open) == 64
