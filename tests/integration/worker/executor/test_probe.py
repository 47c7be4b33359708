"""A recorded step that is run again: what it finds, what is said of it, and that the store stays as it is."""

import asyncio
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence.errors import ConfigurationError, PayloadError, QuestConflict, QuestNotFound
from questline_persistence.memory.models import AgentState
from questline_persistence.schema.metadata import METADATA
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, Permanent, Retry, Snooze, lord, replaced
from questline_worker.probe import Probe, Probed
from tests.contract.quests import Workbench
from tests.integration.worker.pools import quest

#: What handlers were called with, and by how many calls of `once`.
Calls = list[tuple[str, Any]]


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()


@pytest.fixture
def broken() -> list[str]:
    """What the second Lord raises; nothing where it is empty."""
    return []


@pytest.fixture
def calls() -> Calls:
    return []


@pytest.fixture
def quest_id(bench: Workbench, broken: list[str], calls: Calls) -> str:
    """A quest that has come to its end, with all that a step can leave behind."""

    @lord("a", "work")
    def design(_: LordContext, service: str) -> dict[str, str]:
        return {"name": service}

    @lord("b", "work")
    def build(ctx: LordContext, a: dict[str, str], service: str) -> list[str]:
        calls.append((ctx.idempotency_key, ctx.attempt))
        ctx.progress(0.5)
        ctx.emit({"building": service})
        ctx.log.info("building")
        ctx.cost(model="small", input_tokens=10, usd=0.25)
        ctx.state.save_agent_state(AgentState(agent_id="builder", status="busy"))
        asked = ctx.once("ask", lambda: calls.append(("ask", service)) or service.upper())  # type: ignore[func-returns-value]
        if broken:
            ctx.once("new", lambda: calls.append(("new", service)))
            raise Permanent(broken[0])
        if ctx.epoch == 0 and len(calls) < 4:
            ctx.push("c:work")
        return [a["name"], asked]

    @lord("c", "work")
    async def check(ctx: LordContext) -> int:
        await asyncio.sleep(0)
        return len(ctx.outputs["b"])

    with QuestExecutor(repository=bench.repository) as executor:
        done = asyncio.run(executor.execute_quest(quest("a", "b", quest_id="q", input_data={"service": "mail"})))
    assert done.status == "completed", done.error
    return done.quest_id


def probe(bench: Workbench, at: str | None = None, **correction: Any) -> Probed:
    return Probe(bench.repository).run("q", at, correction.pop("set", None), **correction)


def whole_store(bench: Workbench) -> dict[str, list[Any]]:
    """Return every row of every table."""
    tables = METADATA.sorted_tables
    return bench.database.read(
        lambda connection: {table.name: list(map(tuple, connection.execute(select(table)))) for table in tables}
    )


def paths(found: Probed) -> dict[str, tuple[Any, Any]]:
    return {change.path: (change.before, change.after) for change in found.changes}


@pytest.mark.usefixtures("quest_id")
def test_a_probe_finds_what_the_step_found_and_writes_nothing(bench: Workbench, calls: Calls) -> None:
    before, asked = whole_store(bench), len(calls)

    found = probe(bench, "0002")

    assert (found.status, found.output, found.changes) == ("success", ["mail", "MAIL"], [])
    assert (found.claim.epoch, found.claim.attempt, found.calls) == (0, 1, ())
    assert [step.handler for step in found.pushed] == ["c:work"]
    assert (found.remembered, found.emitted) == (("agent state builder",), ({"building": "mail"},))
    assert (found.spent.tokens, found.spent.usd) == (10, 0.25)
    assert calls[asked:] == [("q:0:0002", 1)]
    assert whole_store(bench) == before


@pytest.mark.usefixtures("quest_id")
def test_a_step_that_fails_now_writes_nothing_either(bench: Workbench, broken: list[str], calls: Calls) -> None:
    before = whole_store(bench)
    broken.append("the model is gone")

    found = probe(bench, "b")

    assert paths(found)["status"] == ("success", "error")
    assert paths(found)["error"][1] == "Permanent: the model is gone"
    assert (found.retry_in, found.pushed, found.remembered) == (None, (), ())
    assert (found.calls, calls[-1]) == (("new",), ("new", "mail"))
    assert whole_store(bench) == before


@pytest.mark.usefixtures("quest_id")
@pytest.mark.parametrize(
    ("path", "value", "output"),
    [("input_data.service", "shop", ["mail", "MAIL"]), ("run_data.a.name", "shop", ["shop", "MAIL"])],
)
def test_a_correction_counts_for_the_probe_alone(bench: Workbench, path: str, value: str, output: list[str]) -> None:
    before = whole_store(bench)

    found = probe(bench, "0002", set={path: value})

    assert (found.output, [change.path for change in found.corrections]) == (output, [path])
    assert whole_store(bench) == before


@pytest.mark.usefixtures("quest_id")
def test_the_step_that_was_tried_last_is_meant_by_default_be_it_async(bench: Workbench) -> None:
    found = probe(bench)

    assert (found.claim.position, found.output, found.changes) == ("0002.0001", 2, [])


def test_a_failed_step_is_compared_with_its_last_attempt(bench: Workbench) -> None:
    @lord("a", "work")
    def work(ctx: LordContext) -> int:
        if ctx.attempt < 2:
            raise Retry("busy", after=0)
        raise Permanent("gone")

    with QuestExecutor(repository=bench.repository) as executor:
        asyncio.run(executor.execute_quest(quest("a", quest_id="q")))

    found = probe(bench)

    assert (found.claim.attempt, found.status, found.changes) == (2, "error", [])
    assert found.recorded is not None
    assert found.to_json()["recorded"]["attempt_number"] == 2


@pytest.mark.usefixtures("quest_id")
def test_a_step_that_is_put_off_now_says_so(bench: Workbench) -> None:
    @lord("c", "other")
    def wait(_: LordContext) -> Snooze:
        return Snooze(60)

    with replaced("a:work", wait):
        found = probe(bench, "a")

    assert (found.status, found.retry_in, found.output) == ("put off", 60, None)


def test_a_step_that_was_never_tried_is_compared_with_nothing(bench: Workbench) -> None:
    @lord("a", "work")
    def work(ctx: LordContext) -> str:
        return ctx.once("ask", lambda: "yes")

    bench.submit("a", quest_id="q")
    before = whole_store(bench)

    found = probe(bench, "0001")

    assert (found.output, found.recorded, found.changes, found.calls) == ("yes", None, [], ("ask",))
    assert whole_store(bench) == before
    with pytest.raises(QuestNotFound, match="has been tried yet"):
        probe(bench)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_runs_under_a_debugger_from_its_first_line_on(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_async: bool
) -> None:
    def add(_: LordContext) -> int:
        answer = 41
        return answer + 1

    async def add_async(_: LordContext) -> int:
        answer = 41
        return answer + 1

    lord("a", "work")(add_async if is_async else add)
    bench.submit("a", quest_id="q")
    monkeypatch.setattr(sys, "stdin", io.StringIO("next\nnext\np answer + 100\ncontinue\n"))

    found = probe(bench, "a", debug=True)

    assert found.output == 42
    shown = capsys.readouterr()
    assert "141" in shown.err
    assert shown.out == ""


def test_a_probe_of_what_is_not_there_is_refused(bench: Workbench) -> None:
    bench.submit("a", "b", quest_id="q")

    with pytest.raises(ConfigurationError, match="does not know a:work"):
        probe(bench, "a")
    with pytest.raises(QuestConflict, match="has not reached"):
        probe(bench, "b")
    with pytest.raises(QuestNotFound):
        probe(bench, "0009")
    with pytest.raises(PayloadError):
        probe(bench, "a", set={"nowhere": 1})
