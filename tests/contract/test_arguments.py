"""What callers of the client hand it by mistake, or in another form, is understood or told for what it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench, quest


@pytest.fixture
def client(bench: Workbench) -> Iterator[QuestClient]:
    with QuestClient(broker_url="memory://", database=bench.database) as client:
        yield client


@pytest.mark.parametrize("given", ["report", 7, None, ["report"], object])
def test_what_is_no_quest_is_told_with_the_form_of_one(client: QuestClient, given: Any) -> None:
    with pytest.raises(PayloadError, match="is no quest") as refused:
        client.submit(given)

    assert "quest_type" in str(refused.value.hint)


def test_a_handle_or_a_quest_stands_for_its_id(client: QuestClient) -> None:
    handle = client.submit(quest("a"))
    client.pause(handle)
    shown = client.get(handle)
    client.resume(shown)
    client.cancel(handle)

    assert (shown.status, client.get(shown).status) == ("paused", "cancelled")
    assert [row["version"] for row in client.snapshots(handle)] == [0, 1]
    assert (client.runs(handle), client.snapshot(handle).version) == ([], 1)
    assert client.delete(handle)


VERBS = ("pause", "resume", "cancel", "retry", "replay", "fork", "delete", "get", "runs", "snapshots", "wait")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("given", [7, None, {"quest_id": "alpha"}])
def test_what_stands_for_no_quest_is_told(client: QuestClient, verb: str, given: Any) -> None:
    call: Callable[[Any], object] = getattr(client, verb)

    with pytest.raises(PayloadError, match="does not stand for a quest"):
        call(given)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "delete"])
def test_an_id_of_no_quest_is_not_found(client: QuestClient, verb: str) -> None:
    with pytest.raises(QuestNotFound):
        getattr(client, verb)("nobody")


@pytest.mark.parametrize("key", [5, b"order", ("order", 7), True])
def test_an_idempotency_key_is_text(client: QuestClient, key: Any) -> None:
    with pytest.raises(PayloadError, match=f"is text, not {type(key).__name__}"):
        client.submit(quest("a"), idempotency_key=key)


def test_quests_are_submitted_within_a_session(bench: Workbench, client: QuestClient) -> None:
    engine = create_engine(client.database.url, module=bench.database.engine.dialect.dbapi)
    with Session(engine) as session:
        one = client.submit(quest("a"), connection=session)
        many = client.submit_many([quest("b"), quest("c")], connection=session)
        session.commit()
        client.submit(quest("d"), connection=session)
        client.submit_many([quest("e"), quest("f")], connection=session)
        session.rollback()
    engine.dispose()

    assert set(bench.quest_ids()) == {one.quest_id, *(each.quest_id for each in many)}


def test_of_a_batch_within_a_callers_transaction_all_or_none_is_submitted(
    bench: Workbench, client: QuestClient
) -> None:
    with client.database.engine.begin() as connection:
        client.submit(quest("a", quest_id="first"), connection=connection)
        with pytest.raises(QuestConflict, match="first exists already"):
            client.submit_many([quest("a", quest_id="new"), quest("b", quest_id="first")], connection=connection)

    assert bench.quest_ids() == ["first"]


@pytest.mark.parametrize("given", ["postgresql://somewhere", object(), 7])
def test_what_is_no_connection_is_told(client: QuestClient, given: Any) -> None:
    with pytest.raises(PayloadError, match="is no connection") as refused:
        client.submit(quest("a"), connection=given)

    assert "run_sync" in str(refused.value.hint)
