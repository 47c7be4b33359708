from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.journal import prepare_quest, submit_one
from questline_persistence.models import LordStep
from questline_persistence.schema import quests, steps, tickets
from tests.contract.quests import Workbench, lost_reply, quest, step


def test_a_submitted_quest_is_new_and_its_first_step_is_ready(bench: Workbench) -> None:
    submitted = bench.send(quest("a", "b", input_data={"n": 1}))

    assert submitted.created
    found = bench.repository.load_quest(submitted.quest_id)
    assert (found.status, found.epoch, found.version, found.input_data) == ("new", 0, 0, {"n": 1})
    assert [(one.position, one.status) for one in found.steps] == [("0001", "queued"), ("0002", "pending")]
    assert found.execution_stack == [step("a", queue="default"), step("b", queue="default")]
    assert found.progress == {"completed": 0, "remaining": 2}
    assert bench.reasons(submitted.quest_id) == ["start"]


def test_the_doorbell_of_a_submission_names_the_ticket(bench: Workbench) -> None:
    bell = bench.send(quest("a", queue="slow", priority=7)).doorbell

    assert bell is not None
    ticket = bench.ticket(bell.quest_id)
    assert (bell.epoch, bell.position, bell.fence) == (ticket.epoch, ticket.position, ticket.fence)
    assert (bell.queue, bell.priority, bell.available_at) == ("slow", 7, ticket.available_at)


def test_the_stack_comes_back_as_it_was_given(bench: Workbench) -> None:
    given = LordStep("a", "work", params={"x": [1, None, "ü"]}, max_attempts=7, timeout_seconds=3.5, queue="own")
    quest_id = bench.submit(given, "b", queue="common")

    assert bench.repository.load_quest(quest_id).execution_stack == [given, step("b", queue="common")]


def test_a_quest_of_the_same_id_is_a_conflict_and_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", quest_id="mine")
    before = bench.everything(quest_id)
    bench.clock.advance(1)

    with pytest.raises(QuestConflict, match="mine exists already"):
        bench.submit("b", quest_id="mine")

    assert bench.everything(quest_id) == before


def test_another_quest_of_the_same_id_is_a_conflict_even_at_the_same_moment(bench: Workbench) -> None:
    bench.submit("a", quest_id="mine")

    with pytest.raises(QuestConflict):
        bench.submit("b", quest_id="mine")


def test_a_submission_whose_reply_was_lost_is_told_as_created(bench: Workbench) -> None:
    rows = prepare_quest(quest("a"), namespace="default", now=bench.clock.now())
    with lost_reply(bench.database):
        submitted = bench.database.write(lambda connection: submit_one(connection, rows))

    assert submitted.created
    assert submitted.doorbell is not None
    assert len(bench.rows(steps, submitted.quest_id)) == 1


def test_a_submission_with_a_key_whose_reply_was_lost_is_told_as_created(bench: Workbench) -> None:
    rows = prepare_quest(quest("a"), namespace="default", now=bench.clock.now(), idempotency_key="order-7")
    with lost_reply(bench.database):
        submitted = bench.database.write(lambda connection: submit_one(connection, rows))

    assert submitted.created
    assert submitted.doorbell is not None


def test_duratiq_11_an_idempotency_key_used_twice_returns_the_first_quest(bench: Workbench) -> None:
    first = bench.send(quest("a"), key="order-7")
    second = bench.send(quest("a", "b"), key="order-7")

    assert (second.quest_id, second.created, second.doorbell) == (first.quest_id, False, None)
    assert bench.quest_ids() == [first.quest_id]


def test_duratiq_11_one_of_two_submissions_at_once_with_one_key_creates_the_quest(bench: Workbench) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            key = f"key-{number}"
            sent = list(pool.map(lambda _, key=key: bench.send(quest("a"), key=key), range(4)))
            assert sum(one.created for one in sent) == 1
            assert len({one.quest_id for one in sent}) == 1

    assert len(bench.quest_ids()) == 10


def test_one_of_several_submissions_at_once_with_one_id_wins(bench: Workbench) -> None:
    def submit(number: int) -> bool:
        try:
            return bench.send(quest("a", quest_id="same", input_data={"n": number})).created
        except QuestConflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(submit, range(8))) == 1


def test_a_key_may_be_used_again_in_another_namespace(bench: Workbench, open_bench: Callable[..., Workbench]) -> None:
    first = bench.send(quest("a"), key="key")
    second = open_bench("other").send(quest("a"), key="key")

    assert second.created
    assert second.quest_id != first.quest_id


def test_a_quest_exists_only_if_the_transaction_of_its_caller_commits(bench: Workbench) -> None:
    rows = prepare_quest(quest("a", quest_id="never"), namespace="default", now=bench.clock.now())
    with bench.database.engine.connect() as connection:
        connection.begin()
        submit_one(connection, rows)
        connection.rollback()

    assert bench.quest_ids() == []


def test_a_conflict_leaves_the_transaction_of_its_caller_usable(bench: Workbench) -> None:
    bench.submit("a", quest_id="taken")
    bench.clock.advance(1)
    taken, free = (
        prepare_quest(quest("a", quest_id=name), namespace="default", now=bench.clock.now())
        for name in ("taken", "free")
    )
    with bench.database.engine.connect() as connection:
        with pytest.raises(QuestConflict):
            submit_one(connection, taken)
        submit_one(connection, free)
        connection.commit()

    assert set(bench.quest_ids()) == {"taken", "free"}


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"execution_stack": []}, "no steps"),
        ({"input_data": {"x": float("nan")}}, "input_data is not JSON"),
        ({"input_data": {"x": {1, 2}}}, "input_data is not JSON"),
        ({"input_data": {"x": "y" * 300_000}}, "limit"),
        ({"execution_stack": [LordStep("a", "work", params={"x": object()})]}, "params of step 0001"),
    ],
    ids=["no steps", "nan", "set", "too large", "params"],
)
def test_a_malformed_quest_is_refused_before_anything_is_written(
    bench: Workbench, fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(PayloadError, match=complaint):
        bench.submit("a", **fields)

    with bench.database.engine.connect() as connection:
        counted = [connection.scalar(select(func.count()).select_from(table)) for table in (quests, steps, tickets)]
    assert counted == [0, 0, 0]


def test_a_thousand_steps_are_one_quest(bench: Workbench) -> None:
    quest_id = bench.submit(*["a"] * 1_000)

    found = bench.rows(steps, quest_id)
    assert [one.position for one in found] == [f"{number:04d}" for number in range(1, 1_001)]
    assert [one.occurrence for one in found] == list(range(1, 1_001))


def test_a_label_with_nul_is_kept_or_refused_but_is_no_error_of_a_driver(bench: Workbench) -> None:
    labels = {"key": "nul \0 inside"}
    if bench.database.dialect.name == "postgresql":  # whose JSON knows no NUL
        with pytest.raises(PayloadError, match="refuses a value"):
            bench.submit("a", labels=labels)
        assert bench.quest_ids() == []
    else:
        assert bench.repository.load_quest(bench.submit("a", labels=labels)).labels == labels
