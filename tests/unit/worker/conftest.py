import asyncio
from collections.abc import Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from questline_persistence.claims import Claim, Outcome
from questline_persistence.ids import new_claim_id
from questline_scheduler import quest_types, step_defaults
from questline_worker.lords import lords
from questline_worker.steps import EventLoop, Execution, Pending, RunningStep
from tests.contract.quests import Workbench

MakeClaim = Callable[..., Claim]


def run_to_end(execution: Execution, step: RunningStep, loop: EventLoop) -> Outcome:
    """Run the handler of a step, an async one on `loop`, and return what became of the step."""
    begun = execution.begin(step)
    if not isinstance(begun, Pending):
        return begun
    future = begun.context.run(asyncio.run_coroutine_threadsafe, begun.run(), loop.running())
    step.cancel_with(future)
    return begun.conclude(future.result)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test Lords, quest types and defaults of its own."""
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})


@pytest.fixture
def bench(sqlite_url: str) -> Iterator[Workbench]:
    """A store with every part of it at hand."""
    bench = Workbench(sqlite_url)
    yield bench
    bench.check()
    bench.close()


@pytest.fixture
def make_claim() -> MakeClaim:
    """A function that returns a claim on a step of Lord `a`, held by nobody."""

    def make(**changed: object) -> Claim:
        values: dict[str, object] = {
            "claim_id": new_claim_id(),
            "worker_id": "worker",
            "quest_id": "quest",
            "quest_type": "test",
            "namespace": "default",
            "epoch": 0,
            "position": "0001",
            "lord_name": "a",
            "tool_name": "work",
            "occurrence": 1,
            "params_json": "{}",
            "input_json": "{}",
            "attempt": 1,
            "lost": 0,
            "version": 0,
            "max_attempts": 3,
            "timeout_seconds": 600.0,
            "backoff_seconds": 1.0,
            "start_time": 0.0,
            "queue": "default",
            "fence": 2,
        }
        return Claim(**{**values, **changed})  # type: ignore[arg-type]

    return make


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What an SDK exports that the program has set up."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter
