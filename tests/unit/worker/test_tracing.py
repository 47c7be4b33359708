import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars

from questline_persistence.models import MAX_LABELS, LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_scheduler.tracing import TRACEPARENT, traced, tracer
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, Permanent, lord

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def executor(sqlite_url: str) -> Iterator[QuestExecutor]:
    with QuestRepository(sqlite_url) as repository, QuestExecutor(repository=repository) as executor:
        yield executor


def run(executor: QuestExecutor, *lords: str, **labels: str) -> QuestExecutionData:
    stack = [LordStep(name, "work") for name in lords]
    return asyncio.run(
        executor.execute_quest(QuestExecutionData(quest_type="nightly", execution_stack=stack, labels=labels))
    )


def spans(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def context_of(span: ReadableSpan) -> trace.SpanContext:
    assert span.context is not None
    return span.context


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_the_steps_of_a_quest_are_in_the_trace_of_who_submitted_it(
    exported: InMemorySpanExporter, executor: QuestExecutor
) -> None:
    @lord("sync", "work")
    def sync(_: LordContext) -> str:
        with trace.get_tracer("theirs").start_as_current_span("inside sync"):
            return str(get_contextvars()["trace_id"])

    @lord("async", "work")
    async def later(_: LordContext) -> None:
        await asyncio.sleep(0)
        with trace.get_tracer("theirs").start_as_current_span("inside async"):
            pass

    with trace.get_tracer("theirs").start_as_current_span("request"):
        quest = run(executor, "sync", "async")

    found = spans(exported)
    assert set(found) == {"request", "submit nightly", "sync:work", "async:work", "inside sync", "inside async"}
    assert len({context_of(span).trace_id for span in found.values()}) == 1
    assert quest.run_data["sync"] == f"{context_of(found['request']).trace_id:032x}", "the log has the trace, too"
    for name in ("sync", "async"):
        step, inside = found[f"{name}:work"], found[f"inside {name}"]
        assert parent_of(step) == context_of(found["submit nightly"]).span_id
        assert parent_of(inside) == context_of(step).span_id
        assert step.attributes is not None
        assert step.attributes["questline.quest_id"] == quest.quest_id
    assert not trace.get_current_span().get_span_context().is_valid, "nothing is left behind"


def test_a_failed_attempt_is_an_error_and_the_next_one_a_span_of_its_own(
    exported: InMemorySpanExporter, executor: QuestExecutor
) -> None:
    @lord("bad", "work")
    def bad(_: LordContext) -> None:
        raise Permanent("no such order")

    assert run(executor, "bad").status == "failed"
    span = spans(exported)["bad:work"]
    assert not span.status.is_ok
    assert "no such order" in str(span.status.description)


def test_a_producer_in_any_language_has_its_trace_go_on_by_a_label(
    exported: InMemorySpanExporter, executor: QuestExecutor
) -> None:
    @lord("sync", "work")
    def sync(_: LordContext) -> None:
        pass

    quest = run(executor, "sync", traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    assert quest.labels[TRACEPARENT].startswith(f"00-{TRACE}")
    (span,) = exported.get_finished_spans()
    assert f"{context_of(span).trace_id:032x}" == TRACE


def test_a_quest_with_as_many_labels_as_may_be_gets_none(exported: InMemorySpanExporter) -> None:
    full = QuestExecutionData(quest_type="t", labels={f"l{number}": "" for number in range(MAX_LABELS)})
    assert traced(full) is full
    assert exported.get_finished_spans() == ()


def test_without_an_sdk_a_quest_stays_as_it_is(executor: QuestExecutor) -> None:
    @lord("sync", "work")
    def sync(_: LordContext) -> bool:
        return trace.get_current_span().get_span_context().is_valid

    assert tracer() is None
    quest = run(executor, "sync")
    assert (quest.labels, quest.output_data) == ({}, False)


def test_without_an_sdk_nothing_of_opentelemetry_is_imported() -> None:
    code = "import sys, questline_worker.process, questline; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
