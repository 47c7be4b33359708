"""The model's guards are those of the code's statements: one more or one less on either side turns these tests red."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from questline_persistence.dialects.postgres import once as postgres_once
from questline_persistence.dialects.postgres import steps as postgres_steps
from questline_persistence.dialects.sqlite import once as sqlite_once
from questline_persistence.dialects.sqlite import steps as sqlite_steps
from questline_persistence.errors import QuestConflict
from questline_persistence.journal.endings import holds
from questline_persistence.models import LordStep
from questline_persistence.states import LIVE, ExecutionStatus
from questline_persistence.store import Tries
from tests.contract.quests import LONG, Workbench, checkpoint, failure
from tests.model.guards import GUARDS, LEFT_OUT
from tests.model.statements import cases, conditions, sent
from tests.model.world import Action, Ticket, World

Picked = tuple[str, str]  # how the statement begins, and the table that it asks


def expected(statement: str, *names: str) -> set[str]:
    """Return the conditions of a statement in the model; of the guards named only, where there are any."""
    guards = {name for name in GUARDS if name.startswith(f"{statement}.")}
    chosen = {name for name in guards if not names or name.partition(".")[2] in names}
    left_out = {each.partition(": ")[2] for each in LEFT_OUT if each.startswith(f"{statement}: ")}
    return {condition for name in chosen for condition in GUARDS[name].conditions} | left_out


def asked(bench: Workbench, begins: str, table: str, call: Callable[[], Any]) -> set[str]:
    """Return the conditions of the one kind of statement that begins so, among those which a call sends."""
    with sent(bench.database) as statements:
        call()
    found = [conditions(text, table, values) for text, values in statements if text.startswith(begins)]
    assert found, f"no statement begins with {begins!r}: {statements}"
    assert all(each == found[0] for each in found)
    return found[0]


HELD = ("quest_id", "claim_id", "state", "epoch", "position")


@pytest.mark.parametrize(
    ("text", "table", "statement"),
    [
        (sqlite_steps._CLAIM, "tickets", "claim"),
        (sqlite_steps._BEGIN, "quest_executions", "begin"),
        (sqlite_steps._MINE, "t", "mine"),
        (sqlite_steps._MOVE, "tickets", "checkpoint"),
        (sqlite_steps._GONE, "tickets", "checkpoint"),
    ],
)
def test_the_hot_statements_of_sqlite_ask_what_the_model_asks(text: str, table: str, statement: str) -> None:
    assert conditions(text, table) == expected(statement)


def test_a_step_that_goes_on_at_once_asks_on_sqlite_also_that_no_pause_is_due_and_the_worker_the_same() -> None:
    """Where that does not hold, the ticket is moved as any other."""
    assert conditions(sqlite_steps._GO_ON, "tickets") == expected("checkpoint") | {
        "pause_requested = 0",
        "worker_id = ?",
    }


def part(sql: str, name: str) -> str:
    """Return the body of one WITH query."""
    found = re.search(rf"\b{name} AS \((.*?)\n\)", sql, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("text", "table", "statement"),
    [
        (part(postgres_steps._CLAIM, "won"), "t", "claim"),
        (part(postgres_steps._CLAIM, "begun"), "q", "begin"),
        (postgres_steps._MINE, "t", "mine"),
        (part(postgres_steps._CHECKPOINT, "moved"), "t", "checkpoint"),
        (part(postgres_steps._CHECKPOINT, "gone"), "t", "checkpoint"),
    ],
)
def test_the_hot_statements_of_postgresql_ask_what_the_model_asks(text: str, table: str, statement: str) -> None:
    found = {each.replace(" in ?", " = ?") for each in conditions(text, table)}
    assert found == {each.replace(" in ?", " = ?") for each in expected(statement)}


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (sqlite_once._RECORD.partition("ON CONFLICT")[0], "tickets"),
        (part(postgres_once._RECORD, "held"), "t"),
    ],
)
def test_a_call_is_recorded_under_the_guard_of_a_checkpoint(text: str, table: str) -> None:
    found = {each.replace(" in ?", " = ?") for each in conditions(text, table)}
    assert found == {each.replace(" in ?", " = ?") for each in expected("checkpoint")}


def test_a_checkpoint_claims_the_next_step_where_the_model_does_on_postgresql() -> None:
    found = {
        *cases(part(postgres_steps._CHECKPOINT, "ahead"), "t"),
        *cases(part(postgres_steps._CHECKPOINT, "moved"), "t"),
    }
    assert found == expected("hand")


def test_a_checkpoint_claims_the_next_step_where_the_model_does_on_sqlite(memory: Workbench) -> None:
    assert cases(sqlite_steps._MOVE, "tickets") == expected("hand", "pause_requested")
    end = replace(checkpoint(memory.claim(memory.submit("a", "b"))), next_claim_id="next")
    step = ["0002", "b", "work", 1, "{}", 1, 1.0, 1.0, end.claim.queue]
    assert sqlite_steps._ahead(end, step, ["b:work"], "worker")["next_claim"] == "next"
    assert sqlite_steps._ahead(end, step, ["c:work"], "worker")["next_claim"] is None
    assert sqlite_steps._ahead(end, [*step[:-1], "elsewhere"], ["b:work"], "worker")["next_claim"] is None


@pytest.mark.parametrize("statement", ["checkpoint", "fail", "release"])
def test_the_guard_of_every_write_that_ends_a_claim_is_the_model_s(statement: str) -> None:
    guard = holds("quest", 0, "0001", "claim").compile()
    values = [guard.params[name] for name in guard.positiontup or guard.params]
    text = re.sub(r":\w+", "?", str(guard))
    assert conditions(f"WHERE {text}", "tickets", values) == expected(statement)


@pytest.mark.parametrize(("retry_in", "begins"), [(0.0, "UPDATE tickets"), (None, "DELETE FROM tickets")])
def test_a_failure_asks_what_the_model_asks(memory: Workbench, retry_in: float | None, begins: str) -> None:
    claim = memory.claim(memory.submit("a"))
    found = asked(memory, begins, "tickets", lambda: memory.journal.fail(failure(claim, retry_in=retry_in)))
    assert found == expected("fail")


def test_a_release_asks_what_the_model_asks(memory: Workbench) -> None:
    claim = memory.claim(memory.submit("a"))
    assert asked(memory, "UPDATE tickets", "tickets", lambda: memory.journal.release(claim)) == expected("release")


def test_a_stray_claim_is_looked_for_and_given_back_as_in_the_model(memory: Workbench) -> None:
    claim_id = memory.claim(memory.submit("a")).claim_id

    def call() -> None:
        memory.journal.release_stray(claim_id)

    assert asked(memory, "SELECT tickets.quest_id", "tickets", call) == expected("stray")
    claim_id = memory.claim(memory.submit("a")).claim_id
    assert asked(memory, "UPDATE tickets", "tickets", call) == expected("release")


def test_a_fenced_result_is_looked_up_as_in_the_model(memory: Workbench) -> None:
    quest_id = memory.submit("a")
    claim = memory.claim(quest_id)
    memory.controls.cancel(quest_id)

    def look(columns: str, call: Callable[[], Any]) -> set[str]:
        return asked(memory, f"SELECT {columns}", "lord_runs", call)

    assert look("lord_runs.claim_id", lambda: memory.journal.checkpoint(checkpoint(claim))) == expected("recorded")
    assert look("lord_runs.quest_id", lambda: memory.journal.fail(failure(claim))) == expected("failed")


def test_a_claim_is_sent_again_as_in_the_model(memory: Workbench) -> None:
    journal, request, tries = memory.journal, memory.request(memory.submit("a")), Tries()
    tries.again()

    def again() -> None:
        memory.database.write(lambda connection: journal._claims(connection, [request], tries))

    assert asked(memory, "SELECT lord_runs.claim_id", "lord_runs", again) == expected("anew")


def test_a_sweep_of_the_dead_asks_what_the_model_asks(memory: Workbench) -> None:
    memory.claim(memory.submit("a"), memory.worker(lease=-LONG))
    locks, writes = swept(memory)
    assert (locks, writes) == (expected("sweep", *HELD), expected("sweep", *HELD, "lease"))


def test_a_sweep_of_the_late_asks_what_the_model_asks(memory: Workbench) -> None:
    memory.claim(memory.submit(LordStep("a", "work", timeout_seconds=5)), memory.worker(lease=1_000 * LONG))
    memory.clock.advance(6)
    locks, writes = swept(memory)
    assert (locks, writes) == (expected("sweep", *HELD), expected("sweep", *HELD, "deadline"))


def swept(memory: Workbench) -> tuple[set[str], set[str]]:
    """Return what a sweep asks when it locks the tickets of a batch, and when it writes them."""
    with sent(memory.database) as statements:
        memory.sweep.run()
    batch = "(quest_id, epoch, position, claim_id) in ?"  # which asks for all four of each, leads to them by the first
    each = {"epoch = ?", "position = ?", "claim_id = ?", "quest_id = ?"}
    found = []
    for beginning in ("SELECT tickets.quest_id, tickets.claim_id", "UPDATE tickets"):
        ((text, values),) = [each for each in statements if each[0].startswith(beginning)]
        asks = conditions(text, "tickets", values)
        assert batch in asks
        found.append((asks - {batch, "quest_id in ?"}) | each)
    locks, writes = found
    return locks, writes


def test_a_sweep_reads_and_declares_lost_what_the_model_does(memory: Workbench) -> None:
    memory.worker(lease=-LONG)
    with sent(memory.database) as statements:
        memory.sweep.run()
    (declares,) = [each for each in statements if each[0].startswith("UPDATE workers")]
    (reads,) = [each for each in statements if each[0].startswith("SELECT tickets.quest_id")]

    found = next(each for each in statements if each[0].startswith("SELECT workers.worker_id"))
    assert conditions(found[0], "workers", found[1]) == expected("declare")
    assert conditions(declares[0], "workers", declares[1]) - {"worker_id in ?"} == expected("declare")
    after = reads[0].index("WHERE tickets.namespace")
    bound = reads[1][reads[0][:after].count("?") :]
    assert conditions(reads[0][after:], "tickets", bound) == expected("look")


def test_a_renewal_asks_what_the_model_asks(memory: Workbench) -> None:
    worker_id = memory.worker().worker_id
    found = asked(memory, "UPDATE workers", "workers", lambda: memory.register.renew(worker_id, LONG))
    assert found == expected("renew")


def test_a_redispatch_asks_what_the_model_asks(memory: Workbench) -> None:
    memory.submit("a")
    memory.clock.advance(LONG)
    with sent(memory.database) as statements:
        memory.bells.due()
    (text, values) = next(each for each in statements if "UPDATE tickets" in each[0])
    chosen = text.index("UPDATE tickets")
    found = conditions(text[chosen:], "tickets", values[text[:chosen].count("?") :])
    assert found == expected("redispatch")


def test_the_verbs_write_and_lock_as_in_the_model(memory: Workbench) -> None:
    quest_id = memory.submit("a")
    begins = "UPDATE tickets SET state"
    assert asked(memory, begins, "tickets", lambda: memory.controls.pause(quest_id)) == expected("hold")
    assert asked(memory, begins, "tickets", lambda: memory.controls.resume(quest_id)) == expected("unhold")
    with sent(memory.database) as statements:
        memory.controls.cancel(quest_id)
    locks = {text.split()[1].partition(".")[0]: (text, values) for text, values in statements if "SELECT" in text}
    assert set(locks) == {"tickets", "quest_executions"}
    for table, (text, values) in locks.items():
        assert conditions(text, table, values) == expected("lock")


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry"])
@pytest.mark.parametrize("status", ExecutionStatus)
def test_the_verbs_require_what_the_model_requires(memory: Workbench, verb: str, status: ExecutionStatus) -> None:
    quest_id = memory.end("failed")
    if status in LIVE:
        memory.controls.retry(quest_id)
    memory.execute("UPDATE quest_executions SET status = :status", status=status)
    try:
        allowed = getattr(memory.controls, verb)(quest_id).changed
    except QuestConflict:
        allowed = False

    world, ticket = World(0, 0, status), Ticket(0, 1) if status in LIVE else None
    guards = [GUARDS[f"{verb}.status"], GUARDS[f"{verb}.ticket"]]
    assert allowed == all(guard.holds(world, Action(verb), ticket) for guard in guards)


def test_a_condition_that_is_added_or_removed_is_noticed() -> None:
    for text in (sqlite_steps._CLAIM + " AND lost < 3", sqlite_steps._CLAIM.replace("AND pause_requested = 0 ", "")):
        assert conditions(text, "tickets") != expected("claim")
    assert conditions(sqlite_steps._CLAIM.replace("'ready'", "'held'"), "tickets") != expected("claim")
    unasked = sqlite_steps._MOVE.replace("pause_requested = 0", "TRUE").replace("pause_requested = 1", "FALSE")
    assert cases(unasked, "tickets") != expected("hand", "pause_requested")
