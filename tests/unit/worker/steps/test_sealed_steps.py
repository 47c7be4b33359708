"""Steps whose payloads are encrypted, for workers with the key and without."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from questline_persistence.claims import Failed, GivenBack, Succeeded
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.payload import HIDDEN, cells
from questline_persistence.records import QuestRepository
from questline_persistence.store import Database
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, Retry, lord
from questline_worker.steps.execution import UNREADABLE_SECONDS
from tests.payload_codec import sealing
from tests.unit.worker.steps.outcomes import Run

CANARY = "canary-5d1b"
CELL = cells.of_step("quest", 0, "0001")


def sealed_params() -> str:
    return sealing("alpha").seal('{"x":1}', CELL)


@pytest.fixture
def handler() -> None:
    @lord("a", "work")
    def work(_: LordContext, x: int) -> int:
        return x


@pytest.mark.usefixtures("handler")
def test_a_step_is_run_by_whoever_has_its_key(run: Run) -> None:
    assert run(params_json=sealed_params(), codec=sealing("beta", "alpha")) == Succeeded("1")


@pytest.mark.usefixtures("handler")
def test_a_step_whose_key_is_not_there_is_left_to_others_at_no_cost(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    assert run(params_json=sealed_params()) == GivenBack(quiet=UNREADABLE_SECONDS)
    assert "payload_unreadable" in caplog.text
    assert "'alpha'" in caplog.text


@pytest.mark.usefixtures("handler")
def test_a_step_whose_params_are_another_steps_fails_for_good(run: Run) -> None:
    outcome = run(params_json=sealed_params(), position="0002", codec=sealing("alpha"))

    assert isinstance(outcome, Failed)
    assert outcome.retry_in is None
    assert "quest_steps.params of quest/0/0002 was not written there" in outcome.error


@pytest.fixture
def executor(sqlite_url: str) -> Iterator[QuestExecutor]:
    database = Database(sqlite_url, codec=sealing("alpha", compress_from=100))
    with QuestRepository(database) as repository, QuestExecutor(repository=repository) as executor:
        yield executor
    database.close()


def test_no_file_log_line_or_span_tells_what_a_quest_holds(
    executor: QuestExecutor, exported: InMemorySpanExporter, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("DEBUG")
    secret = {"secret": CANARY * 20}

    @lord("a", "work")
    def work(context: LordContext, secret: str) -> dict[str, str]:
        if context.attempt == 1:
            raise Retry(f"{CANARY} failed", after=0)
        context.push(LordStep("b", "work", params={"pushed": CANARY}, max_attempts=1))
        return {"output": secret}

    @lord("b", "work")
    def fail(_: LordContext) -> None:
        raise ValueError(CANARY)

    stack = [LordStep("a", "work", params=secret)]
    quest = QuestExecutionData(quest_type="nightly", input_data=secret, execution_stack=stack)
    found = asyncio.run(executor.execute_quest(quest))

    assert (found.status, found.run_data["a"]) == ("failed", {"output": CANARY * 20})
    assert CANARY in str(found.error)
    assert HIDDEN in [span.status.description for span in exported.get_finished_spans()]
    assert "step_failed" in caplog.text
    told = caplog.text + "".join(span.to_json() for span in exported.get_finished_spans())
    assert CANARY not in told
    files = b"".join(file.read_bytes() for file in tmp_path.rglob("questline.db*"))
    assert quest.quest_id.encode() in files
    assert CANARY.encode() not in files
