"""What a quest holds is sealed wherever it is stored, and comes back for those who have the key."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import TextClause
from sqlalchemy import text as sql

from questline_persistence.errors import EncryptionError, QuestConflict
from questline_persistence.models import QuestExecutionData
from questline_persistence.payload import HIDDEN
from tests.contract.codec.conftest import CANARY
from tests.contract.quests import Workbench, failure, step
from tests.payload_codec import sealing

#: What people see of JSON objects without the key.
HIDDEN_OBJECT = {HIDDEN: True}


def secret(kind: str) -> dict[str, str]:
    return {"secret": f"{CANARY} {kind}"}


def a_quest(bench: Workbench, **fields: Any) -> str:
    return bench.submit(step("a", params=secret("params")), "b", "c", input_data=secret("input"), **fields)


def test_a_quest_is_led_to_its_end_and_read(bench: Workbench) -> None:
    quest_id = a_quest(bench)
    claim = bench.claim(quest_id)
    assert (claim.params, claim.input_data) == (secret("params"), secret("input"))
    bench.finish(claim, secret("output"), step("d", params=secret("pushed")))
    pushed = bench.claim(quest_id)
    assert pushed.params == secret("pushed")
    bench.finish(pushed)
    bench.advance(quest_id, secret("b"), secret("last"))
    found = bench.repository.load_quest(quest_id)

    assert (found.input_data, found.output_data) == (secret("input"), secret("last"))
    assert found.run_data == {"a": secret("output"), "d": None, "b": secret("b"), "c": secret("last")}
    (first, *_) = bench.repository.runs(quest_id)
    assert (first.input_data, first.output_data) == (secret("params"), secret("output"))


def test_errors_are_sealed_in_the_history_and_on_the_quest(bench: Workbench) -> None:
    quest_id = a_quest(bench)
    bench.journal.fail(failure(bench.claim(quest_id), f"ValueError: {CANARY}"))
    bench.fail(quest_id, f"KeyError: {CANARY}")

    assert bench.repository.load_quest(quest_id).error == f"KeyError: {CANARY}"
    errors = [run.error_message for run in bench.repository.runs(quest_id)]
    assert errors == [f"ValueError: {CANARY}", f"KeyError: {CANARY}"]


def test_a_replay_and_a_fork_take_up_what_was_sealed_and_seal_it_anew(bench: Workbench) -> None:
    quest_id = a_quest(bench)
    bench.advance(quest_id, secret("output"), secret("b"))
    bench.replay(quest_id, "b", {"input_data.more": CANARY, "execution_stack.c.params.x": CANARY})
    forked = bench.fork(quest_id, "b")

    for one in (quest_id, forked):
        claim = bench.claim(one)
        assert claim.input_data == {**secret("input"), "more": CANARY}
        bench.finish(claim, secret("again"))
        claim = bench.claim(one)
        assert claim.params == {"x": CANARY}
        assert bench.repository.load_quest(one).run_data == {"a": secret("output"), "b": secret("again")}
    runs = bench.repository.load_snapshot(quest_id, 0)
    assert [one.params for one in runs.execution_stack] == [secret("params"), {}, {}]


def test_a_quest_that_a_program_keeps_is_sealed(bench: Workbench) -> None:
    quest = QuestExecutionData(quest_type="test", execution_stack=[step("a", params=secret("params")), step("b")])
    bench.repository.save_quest(quest)
    quest.input_data, quest.output_data, quest.error = secret("input"), secret("output"), CANARY
    quest.run_data, quest.execution_stack = {"a": secret("output")}, [step("b", params=secret("other"))]
    bench.repository.save_quest(quest)
    bench.repository.save_lord_run(quest.quest_id, "a", "work", input_data=secret("run"), error_message=CANARY)
    bench.repository.save_snapshot(quest.quest_id, quest.run_data, quest.execution_stack, "checkpoint")
    found = bench.repository.load_quest(quest.quest_id)

    assert (found.input_data, found.output_data, found.error) == (secret("input"), secret("output"), CANARY)
    assert found.execution_stack[0].params == secret("other")
    assert bench.repository.runs(quest.quest_id)[0].input_data == secret("run")
    newest = bench.repository.load_latest_snapshot(quest.quest_id)
    assert newest is not None
    assert newest.execution_stack[0].params == secret("other")


def test_a_key_that_is_used_again_is_compared_by_what_was_said(bench: Workbench) -> None:
    first = bench.submit("a", input_data=secret("input"), idempotency_key="order-7")

    assert bench.submit("a", input_data=secret("input"), idempotency_key="order-7") == first
    with pytest.raises(QuestConflict, match="of another input"):
        bench.submit("a", input_data=secret("other"), idempotency_key="order-7")


def test_without_the_key_every_payload_is_shown_as_encrypted(bench: Workbench, keyless: Workbench) -> None:
    quest_id = a_quest(bench)
    bench.advance(quest_id, secret("output"))
    bench.fail(quest_id, CANARY)
    found = keyless.repository.load_quest(quest_id)

    assert (found.input_data, found.run_data, found.error) == (HIDDEN_OBJECT, {"a": HIDDEN}, HIDDEN)
    assert [one.lord_name for one in found.execution_stack] == ["b", "c"]
    runs = keyless.repository.runs(quest_id)
    assert [(run.input_data, run.output_data, run.error_message) for run in runs] == [
        (HIDDEN_OBJECT, HIDDEN, None),
        ({}, None, HIDDEN),
    ]
    assert keyless.repository.load_snapshot(quest_id, 1).run_data == {"a": HIDDEN}
    assert [one.input_data for one in keyless.repository.list_quests()] == [HIDDEN_OBJECT]


def test_without_the_key_nothing_is_taken_for_the_payload(bench: Workbench, keyless: Workbench) -> None:
    quest_id = a_quest(bench)
    bench.advance(quest_id, secret("output"))
    repository, claim = keyless.repository, keyless.claim(quest_id, keyless.worker(process_id="keyless"))

    reads: list[Callable[[], object]] = [
        lambda: claim.input_data,
        lambda: repository.output(quest_id, 0, 1, "a"),
        lambda: repository.outputs_at(quest_id, 0, 1),
        lambda: repository.outputs_of(quest_id, 0, 1, "a"),
        lambda: keyless.replay(quest_id),
        lambda: keyless.fork(quest_id),
    ]
    for read in reads:
        with pytest.raises(EncryptionError) as refused:
            read()
        assert refused.value.key_id == "alpha"


def test_without_the_key_a_quest_is_steered_all_the_same(bench: Workbench, keyless: Workbench) -> None:
    quest_id = a_quest(bench)
    keyless.controls.pause(quest_id)
    keyless.controls.resume(quest_id)
    keyless.controls.cancel(quest_id)

    assert keyless.repository.status(quest_id) == "cancelled"


#: What to write where, and where the writer says that it does not belong.
_STEP, _QUEST, _RUN = "quest_steps.params", "quest_executions.input_data", "lord_runs.output_data"
_FIRST = "quest_id = :mine AND position = '0001'"
SWAPS = {
    "of another quest's step": (
        _STEP,
        f"SELECT params FROM quest_steps WHERE {_FIRST.replace('mine', 'other')}",
        _FIRST,
    ),
    "of another quest": (_QUEST, "SELECT input_data FROM quest_executions WHERE quest_id = :other", "quest_id = :mine"),
    "of another column": (
        _QUEST,
        "SELECT execution_stack FROM quest_executions WHERE quest_id = :mine",
        "quest_id = :mine",
    ),
    "of another attempt": (_RUN, f"SELECT output_data FROM lord_runs WHERE {_FIRST.replace('1', '2')}", _FIRST),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_a_payload_that_is_copied_to_another_row_or_column_is_refused(bench: Workbench, swap: str) -> None:
    mine, other = a_quest(bench), a_quest(bench)
    for quest_id in (mine, other):
        bench.advance(quest_id, secret("output"), secret("b"))
    told, source, where = SWAPS[swap]
    table, column = told.split(".")
    (text,) = bench.database.read(lambda own: list(own.execute(bound(source, mine=mine, other=other)).scalars()))
    bench.execute(f"UPDATE {table} SET {column} = :text WHERE {where}", text=text, mine=mine)

    with pytest.raises(EncryptionError, match=f"{told} of .* was not written there"):
        bench.repository.load_snapshot(mine, 0) if table == "quest_steps" else bench.repository.load_quest(mine)


def bound(statement: str, **values: str) -> TextClause:
    return sql(statement).bindparams(**{name: value for name, value in values.items() if f":{name}" in statement})


def test_a_quest_that_is_moved_to_another_namespace_is_refused(
    bench: Workbench, open_bench: Callable[..., Workbench]
) -> None:
    quest_id = a_quest(bench)
    bench.execute("UPDATE quest_executions SET namespace = 'other'")

    with pytest.raises(EncryptionError, match="was not written there"):
        open_bench("other", sealing("alpha")).repository.load_quest(quest_id)
    bench.execute("UPDATE quest_executions SET namespace = 'default'")


def test_quests_are_not_chosen_by_errors_that_are_sealed(bench: Workbench) -> None:
    with pytest.raises(EncryptionError, match="errors of quests are encrypted"):
        bench.repository.list_quests(error="broken")
