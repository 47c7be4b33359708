"""Quests that come together, and quests that come in a transaction of their caller's."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.journal import prepare_quest, submission
from questline_persistence.journal.submission import MAX_TRIES
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.schema import steps, tickets
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench, lost_reply, quest, statements, step


@pytest.fixture
def client(database_url: str) -> Iterator[QuestClient]:
    """A producer's client, whose clock goes as clocks do."""
    with QuestClient(database_url, "memory://") as client:
        yield client


def test_quests_that_share_a_plan_and_quests_that_do_not_come_back_as_they_were_given(
    bench: Workbench, client: QuestClient
) -> None:
    own = step("b", params={"x": ["ü", None, 2**70]}, max_attempts=7, timeout_seconds=3.5, backoff_seconds=0.0)
    given = [
        quest("a", own, "a", input_data={"n": 1}, labels={"k": "v"}, priority=7),
        quest("a", own, "a", queue="slow"),
        quest(step("a", queue="express"), own, queue="slow"),
        quest("a", step("b", params={"x": ["ü", None, 2**70 + 1]}), input_data={"big": 2**70}),
    ]

    handles = client.submit_many(given)

    assert [(handle.quest_id, handle.created) for handle in handles] == [(one.quest_id, True) for one in given]
    for one in given:
        found = bench.repository.load_quest(one.quest_id)
        expected = [each.model_copy(update={"queue": each.queue or one.queue}) for each in one.execution_stack]
        assert found.execution_stack == expected
        assert (found.input_data, found.labels, found.queue) == (one.input_data, one.labels, one.queue)
        ticket = bench.ticket(one.quest_id)
        assert (ticket.handler, ticket.queue, ticket.priority) == ("a:work", expected[0].queue, one.priority)
        assert bench.repository.load_snapshot(one.quest_id).run_data == {}
    assert [row.occurrence for row in bench.rows(steps, given[0].quest_id)] == [1, 1, 2]


def test_a_batch_returns_the_quests_of_keys_that_were_used_before_in_its_order(
    bench: Workbench, client: QuestClient
) -> None:
    first = client.submit(quest("a"), idempotency_key="order-2")
    batch = [quest("a", idempotency_key=f"order-{number}") for number in (1, 2, 3)]

    handles = client.submit_many(batch)

    assert [handle.created for handle in handles] == [True, False, True]
    assert [handle.quest_id for handle in handles] == [batch[0].quest_id, first.quest_id, batch[2].quest_id]
    assert set(bench.quest_ids()) == {handle.quest_id for handle in handles}


def test_a_key_that_is_twice_in_a_batch_makes_one_quest(bench: Workbench, client: QuestClient) -> None:
    handles = client.submit_many([quest("a", idempotency_key="order-7") for _ in range(2)])

    assert [handle.created for handle in handles] == [True, False]
    assert bench.quest_ids() == [handles[0].quest_id]
    assert handles[1].quest_id == handles[0].quest_id


def test_a_quest_that_is_twice_in_a_batch_refuses_it(bench: Workbench, client: QuestClient) -> None:
    twice = quest("a", quest_id="twice")

    with pytest.raises(QuestConflict, match="twice exists already"):
        client.submit_many([quest("a"), twice, twice])

    assert bench.quest_ids() == []


def test_an_id_that_exists_refuses_its_batch_wherever_it_stands(bench: Workbench, client: QuestClient) -> None:
    client.submit(quest("a", quest_id="taken"))
    before = bench.everything("taken")

    for place in range(3):
        batch = [quest("b") for _ in range(2)]
        batch.insert(place, quest("b", quest_id="taken"))
        with pytest.raises(QuestConflict, match="taken exists already"):
            client.submit_many(batch)

    assert bench.quest_ids() == ["taken"]
    assert bench.everything("taken") == before


def test_a_batch_whose_reply_was_lost_is_told_as_created(bench: Workbench, client: QuestClient) -> None:
    with lost_reply(client.database):
        handles = client.submit_many([quest("a"), quest("b")])

    assert [handle.created for handle in handles] == [True, True]
    assert len(bench.quest_ids()) == 2


def test_a_quest_whose_reply_was_lost_is_told_as_created(bench: Workbench, client: QuestClient) -> None:
    with lost_reply(client.database):
        handle = client.submit(quest("a"))

    assert handle.created
    assert bench.quest_ids() == [handle.quest_id]


def test_one_of_several_batches_at_once_with_one_id_in_common_wins(bench: Workbench, client: QuestClient) -> None:
    def submit(number: int) -> bool:
        batch = [quest("a", quest_id=f"{number}.{place}") for place in range(20)]
        try:
            client.submit_many([*batch, quest("a", quest_id="common", input_data={"n": number})])
        except QuestConflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(submit, range(4))) == 1

    assert len(bench.quest_ids()) == 21


def test_a_batch_that_is_too_large_for_one_statement_goes_in_several(
    bench: Workbench, client: QuestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_STEPS_AT_ONCE", 4)
    batch = [quest("a", "b"), quest("a"), quest("a"), quest("a", "b", "c"), quest(*"abcdef"), quest("a")]

    with statements(client.database) as sent:
        client.submit_many(batch)

    assert len([one for one in sent if "INSERT INTO quest_executions" in one]) == 4
    assert sorted(bench.quest_ids()) == sorted(one.quest_id for one in batch)
    assert [len(bench.rows(steps, one.quest_id)) for one in batch] == [2, 1, 1, 3, 6, 1]


def test_large_payloads_of_a_batch_go_in_several_statements(
    bench: Workbench, client: QuestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_TEXT_AT_ONCE", 10_000)
    batch = [quest("a", input_data={"x": "y" * 4_000}) for _ in range(5)]

    with statements(client.database) as sent:
        client.submit_many(batch)

    assert len([one for one in sent if "INSERT INTO quest_executions" in one]) == 3
    assert sorted(bench.quest_ids()) == sorted(one.quest_id for one in batch)


def test_a_key_whose_quest_vanishes_whenever_it_is_looked_for_ends_in_a_conflict(
    client: QuestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit(quest("a"), idempotency_key="order-7")
    looks: list[object] = []
    monkeypatch.setattr(submission, "_find_existing", lambda *_: looks.append(_))

    with pytest.raises(QuestConflict, match="being submitted by another transaction"):
        client.submit(quest("a"), idempotency_key="order-7")

    assert len(looks) == MAX_TRIES


def test_what_the_database_refuses_leaves_the_transaction_of_its_caller_usable(
    bench: Workbench, client: QuestClient
) -> None:
    refused = quest("a")
    refused.quest_type = None if bench.database.dialect.name == "sqlite" else "nul \0 inside"  # type: ignore[assignment]  # as can be

    with client.database.engine.begin() as connection:
        with pytest.raises(DBAPIError, match=r"NOT NULL|0x00"):
            client.submit(refused, connection=connection)
        client.submit(quest("a", quest_id="good"), connection=connection)

    assert bench.quest_ids() == ["good"]


def test_a_quest_that_the_callers_isolation_hides_is_a_conflict(postgres_url: str) -> None:
    """SQLite has one writer: there, nothing can be submitted beside a caller's transaction."""
    with QuestClient(postgres_url, "memory://") as client:
        engine = create_engine(client.database.url, isolation_level="REPEATABLE READ")
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM quest_executions")
            client.submit(quest("a", quest_id="hidden"))
            with pytest.raises(QuestConflict, match="being submitted by another transaction"):
                client.submit(quest("b", quest_id="hidden"), connection=connection)
            client.submit(quest("b", quest_id="other"), connection=connection)
        engine.dispose()

        assert {one.quest_id for one in client.list()} == {"hidden", "other"}


def test_a_caller_may_use_another_driver_than_ours(
    client: QuestClient, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(client.database.url)
    monkeypatch.setattr(engine.dialect, "driver", "another")
    one = quest("a", step("b", params={"x": [1, "ü"]}), labels={"k": "v"}, idempotency_key='a "key" of \\ {signs}')

    with engine.begin() as connection:
        assert client.submit(one, connection=connection).created
        assert not client.submit(quest("c", idempotency_key=one.idempotency_key), connection=connection).created
    engine.dispose()

    found = bench.repository.load_quest(one.quest_id)
    assert (found.labels, found.execution_stack[1].params) == ({"k": "v"}, {"x": [1, "ü"]})
    assert bench.quest_ids() == [one.quest_id]


def test_a_saved_quest_with_a_key_that_is_used_already_is_a_conflict(bench: Workbench, client: QuestClient) -> None:
    first = client.submit(quest("a"), idempotency_key="order-7")

    with pytest.raises(QuestConflict, match="of its idempotency key, exists already"):
        bench.repository.save_quest(quest("a", idempotency_key="order-7"))

    assert bench.quest_ids() == [first.quest_id]


@pytest.mark.parametrize("submit", [submission.submit, lambda database, one: submission.submit_many(database, [one])])
def test_a_malformed_row_is_written_in_no_table(
    bench: Workbench, submit: Callable[..., object], client: QuestClient
) -> None:
    """The last row of all is refused by the database: those before it must go with it."""
    arrival = prepare_quest(quest("a"), namespace="default", now=bench.clock.now())

    with pytest.raises(Exception, match=r"NOT NULL|not-null|null value"):
        submit(client.database, arrival._replace(ring_at=None))  # type: ignore[arg-type]  # what nobody passes

    assert bench.quest_ids() == []


def test_a_stack_changed_after_it_was_submitted_changes_no_other(bench: Workbench, client: QuestClient) -> None:
    """Quests of a batch share plans by what they say, never by the object that says it."""
    shared = LordStep("a", "work")
    first = QuestExecutionData(quest_type="test", execution_stack=[shared])

    def batch() -> Iterator[QuestExecutionData]:
        yield first
        first.execution_stack[0].max_attempts = 9
        yield quest(shared.model_copy(update={"max_attempts": 9}))

    handles = client.submit_many(batch())

    assert [bench.rows(steps, handle.quest_id)[0].max_attempts for handle in handles] == [3, 9]
    assert [len(bench.rows(tickets, handle.quest_id)) for handle in handles] == [1, 1]


def test_one_malformed_quest_of_a_batch_refuses_all_and_names_its_part(bench: Workbench, client: QuestClient) -> None:
    with pytest.raises(PayloadError, match=r"the params of step 0002 \(b:work\)"):
        client.submit_many([quest("a"), quest("a", step("b", params={"x": float("inf")}))])

    assert bench.quest_ids() == []
