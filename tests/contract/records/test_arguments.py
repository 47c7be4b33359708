"""What callers of the client hand it by mistake, or in another form, is understood or told for what it is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from questline_persistence.errors import (
    ConfigurationError,
    PayloadError,
    QuestConflict,
    QuestlineError,
    QuestNotFound,
    WaitTimeout,
)
from questline_persistence.store import Database
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


def test_a_connection_to_another_database_of_the_same_kind_is_told_without_the_quests_input(
    bench: Workbench, client: QuestClient, request: pytest.FixtureRequest
) -> None:
    kind = "sqlite" if bench.url.startswith("sqlite") else "postgres"
    engine = create_engine(
        Database(request.getfixturevalue(f"blank_{kind}_url")).url, module=bench.database.engine.dialect.dbapi
    )
    with (
        engine.connect() as connection,
        pytest.raises(ConfigurationError, match=f"{engine.url.database}.*; the quests are in ") as refused,
    ):
        client.submit(quest("a", input_data={"card": "4111"}), connection=connection)
    engine.dispose()

    assert "4111" not in str(refused.value)
    assert refused.value.hint == "pass a connection to the database that holds the quests"


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


@pytest.mark.parametrize(
    ("first", "again"), [(1, 1.0), (1.0, 1), (-0.0, 0), (10**20, 1e20), ({"a": [2, 0.5]}, {"a": [2.0, 0.5]})]
)
def test_numbers_that_are_equal_are_the_same_input(client: QuestClient, first: Any, again: Any) -> None:
    made = client.submit(quest("a", input_data={"n": first}), idempotency_key="key")
    assert client.submit(quest("a", input_data={"n": again}), idempotency_key="key").quest_id == made.quest_id


@pytest.mark.parametrize(("first", "other"), [(1, True), (0, False), (1, "1"), (1, 1.5), (2**53 + 1, 2.0**53)])
def test_what_is_no_equal_number_is_another_input(client: QuestClient, first: Any, other: Any) -> None:
    client.submit(quest("a", input_data={"n": first}), idempotency_key="key")
    with pytest.raises(QuestConflict, match="another input"):
        client.submit(quest("a", input_data={"n": other}), idempotency_key="key")


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


#: Something of every type that callers have at hand.
ANYTHING: tuple[Any, ...] = (
    *(5, -1, 5.5, float("nan"), True, 10**30, b"text", "no such thing"),
    *([1], {1: "a"}, {1, 2}, object(), datetime(2026, 11, 21, tzinfo=UTC)),
)


def _no_length(it: Any) -> Any:
    """Return it, or something near it that is no length of time."""
    return [it] if isinstance(it, int | float) else it


#: The calls of a client, each with one argument open.
CALLS: dict[str, Callable[[QuestClient, Any], object]] = {
    "submit idempotency_key": lambda client, it: client.submit(quest("a"), idempotency_key=it),
    "submit on_conflict": lambda client, it: client.submit(quest("a"), on_conflict=it),
    "submit_many quests": lambda client, it: client.submit_many(it),
    "submit_many on_conflict": lambda client, it: client.submit_many([], on_conflict=it),
    "pause reason": lambda client, it: client.pause("alpha", it),
    "cancel reason": lambda client, it: client.cancel("alpha", it),
    "replay from_": lambda client, it: client.replay("alpha", it),
    "replay set": lambda client, it: client.replay("alpha", set=it),
    "replay seen": lambda client, it: client.replay("alpha", seen=it),
    "fork from_": lambda client, it: client.fork("alpha", it),
    "fork set": lambda client, it: client.fork("alpha", set=it),
    "fork quest_id_new": lambda client, it: client.fork("alpha", quest_id_new=it),
    "snapshot version": lambda client, it: client.snapshot("alpha", it),
    "runs limit": lambda client, it: client.runs("alpha", limit=it),
    "snapshots after": lambda client, it: client.snapshots("alpha", after=it),
    "list since": lambda client, it: client.list(since=it),
    "lord_stats": lambda client, it: client.lord_stats(it),
    "wait timeout": lambda client, it: client.wait("alpha", timeout=_no_length(it)),
    "broker": lambda _, it: QuestClient("sqlite://", "memory://", broker=it),
    "database": lambda _, it: QuestClient("sqlite://", "memory://", database=it),
}


def test_whatever_is_given_is_taken_or_refused_in_our_own_words(client: QuestClient) -> None:
    """What is no QuestlineError fails the test, with its traceback."""
    client.submit(quest("a", "b", quest_id="alpha"))
    for name, call in CALLS.items():
        refused = 0
        for anything in ANYTHING:
            try:
                call(client, anything)
            except QuestlineError:
                refused += 1
        assert refused > len(ANYTHING) // 2, name


def test_where_to_start_and_what_to_correct_are_told_in_the_form_that_they_have(client: QuestClient) -> None:
    client.submit(quest("a", quest_id="alpha"))
    mistaken: Any = client

    with pytest.raises(PayloadError, match="from_ is text, not int") as refused:
        mistaken.replay("alpha", from_=3)
    assert '"0003"' in str(refused.value.hint)
    with pytest.raises(PayloadError, match="set is an object, not str") as refused:
        mistaken.replay("alpha", set="input_data.x=1")
    assert "{" in str(refused.value.hint)


@pytest.mark.parametrize("timeout", [0, -1, 0.01, timedelta(milliseconds=10)])
def test_a_wait_that_is_over_is_an_error_of_ours_and_of_pythons(
    client: QuestClient, timeout: float | timedelta
) -> None:
    handle = client.submit(quest("a", quest_id="alpha"))

    for kind in (TimeoutError, QuestlineError):
        with pytest.raises(kind, match="quest alpha goes on: it is still new after 0") as late:
            handle.wait(timeout)
        assert isinstance(late.value, WaitTimeout)
        assert (late.value.code, "questline show alpha" in str(late.value.hint)) == ("timeout", True)


def test_a_step_may_be_added_in_one_word_to_a_quest_that_was_made(client: QuestClient) -> None:
    made: Any = quest("a")
    made.execution_stack.append("b:work")

    client.submit(made)

    assert [step.lord_name for step in client.get(made).execution_stack] == ["a", "b"]
