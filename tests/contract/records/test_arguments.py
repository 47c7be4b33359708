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

    with pytest.raises(PayloadError, match="does not name a quest"):
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


def test_a_key_that_was_used_for_another_input_is_a_conflict(client: QuestClient) -> None:
    first = client.submit(quest("a", input_data={"order": 17, "rush": True}), idempotency_key="order-17")
    again = client.submit(quest("a", input_data={"rush": True, "order": 17}), idempotency_key="order-17")
    other = quest("a", input_data={"order": 18, "rush": True})

    assert (again.quest_id, again.created) == (first.quest_id, False)
    with pytest.raises(
        QuestConflict, match=f"order-17 was used for quest {first.quest_id} of another input"
    ) as refused:
        client.submit(other, idempotency_key="order-17")
    assert 'on_conflict="return"' in str(refused.value.hint)
    with pytest.raises(QuestConflict, match="of another type"):
        client.submit(quest("a", quest_type="other", input_data={"order": 17}), idempotency_key="order-17")
    assert client.submit(other, idempotency_key="order-17", on_conflict="return").quest_id == first.quest_id


def test_a_key_stands_for_the_input_that_was_submitted_whatever_a_replay_has_made_of_it(client: QuestClient) -> None:
    first = client.submit(quest("a", input_data={"order": 17}), idempotency_key="order-17")
    client.cancel(first)
    client.replay(first, set={"input_data.order": 18})

    assert client.submit(quest("a", input_data={"order": 17}), idempotency_key="order-17").quest_id == first.quest_id
    with pytest.raises(QuestConflict, match="another input"):
        client.submit(quest("a", input_data={"order": 18}), idempotency_key="order-17")


def test_a_batch_with_a_key_of_another_input_is_refused_as_a_whole(bench: Workbench, client: QuestClient) -> None:
    first = client.submit(quest("a", input_data={"n": 1}, idempotency_key="one"))
    batch = [quest("a"), quest("a", input_data={"n": 2}, idempotency_key="one")]

    with pytest.raises(QuestConflict, match="another input"):
        client.submit_many(batch)
    assert bench.quest_ids() == [first.quest_id]
    assert [each.created for each in client.submit_many(batch, on_conflict="return")] == [True, False]


def test_what_to_do_about_a_conflict_is_one_of_two_words(client: QuestClient) -> None:
    with pytest.raises(PayloadError, match="on_conflict is 'ignore'"):
        client.submit(quest("a"), on_conflict="ignore")  # type: ignore[arg-type]  # a mistake
