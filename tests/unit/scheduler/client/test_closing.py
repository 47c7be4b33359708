import pytest

from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells import open_broker
from tests.contract.quests import Workbench


@pytest.mark.parametrize("given", [(), ("database",), ("broker",), ("database", "broker")], ids=" and ".join)
def test_a_client_closes_what_it_has_opened_and_nothing_else(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    broker = open_broker("memory://", namespace="default")
    url = bench.database.url.render_as_string(hide_password=False)
    client = QuestClient(
        url,
        "memory://",
        database=bench.database if "database" in given else None,
        broker=broker if "broker" in given else None,
    )
    closed: list[str] = []
    database = client.database
    with monkeypatch.context() as patch:
        patch.setattr(database, "close", lambda: closed.append("database"))
        patch.setattr(client.broker, "close", lambda: closed.append("broker"))
        client.close()

    assert closed == [part for part in ("database", "broker") if part not in given]
    if database is not bench.database:
        database.close()
