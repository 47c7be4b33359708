"""How many requests a caller may send."""

from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_gateway.security.rate_limit import MAX_CALLERS, Buckets
from questline_persistence.audit import Actor
from questline_persistence.keys import Keys
from questline_persistence.settings import load


def test_whoever_sends_too_much_waits(sqlite_url: str) -> None:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", http_rate_limit=0.01))
    http = TestClient(app)

    assert http.get("/livez").status_code == 200
    answer = http.get("/livez")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) > 1
    assert TestClient(app, client=("192.0.2.8", 1)).get("/livez").status_code == 200
    app.state.tenants.close()


def test_keys_that_are_made_up_count_as_one_caller(sqlite_url: str) -> None:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", http_rate_limit=0.01))
    app.state.tenants.prepare()
    key = Keys(app.state.tenants.database, "default", Actor("tests")).create("key", ("read",))
    real = TestClient(app, headers={"Authorization": f"Bearer {key.secret}"})
    assert real.get("/api/v1/quests").status_code == 200

    made_up = [{"Authorization": f"Bearer ql_{number:012x}_{'0' * 64}"} for number in range(20)]
    statuses = [TestClient(app).get("/api/v1/quests", headers=header).status_code for header in made_up]
    assert statuses == [429] * 20
    assert real.get("/api/v1/quests").status_code == 200
    app.state.tenants.close()


def test_a_bucket_fills_again_and_callers_are_forgotten_where_they_are_too_many() -> None:
    buckets = Buckets(2.0)
    assert [buckets.wait("a", 0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.5]
    assert buckets.wait("a", 0.5) == 0.0
    for number in range(MAX_CALLERS + 5):
        buckets.wait(str(number), 1.0)
    assert len(buckets._left) == MAX_CALLERS
