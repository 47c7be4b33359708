import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_persistence.settings import load
from questline_scheduler.monitoring import RECOVERED, Gauges, Probes, Tally, probes, probes_of
from tests.contract.quests import LONG, Workbench, step
from tests.unit.scheduler.doorbells.brokers import HandBroker


@pytest.fixture
def broker() -> HandBroker:
    return HandBroker()


@pytest.fixture
def make(bench: Workbench, broker: HandBroker) -> Callable[..., Probes]:
    """A function that returns the probes of a process on a store and a broker."""
    return lambda **more: probes_of(load(queues="default,slow"), bench.database, broker, Tally(), **more)


def answered(probes: Probes, path: str) -> tuple[int, Any]:
    answer = probes.answer(path)
    assert answer is not None
    return answer.status, json.loads(answer.body)


def test_a_process_with_its_store_and_its_broker_is_ready(make: Callable[..., Probes]) -> None:
    status, told = answered(make(), "/readyz")
    assert status == 200
    assert told["ready"] is True
    assert [check["name"] for check in told["checks"]] == ["database", "broker"]


def test_without_its_broker_a_process_is_alive_and_not_ready(
    make: Callable[..., Probes], broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("no Redis at redis://x", hint="start it")

    monkeypatch.setattr(broker, "ping", away)
    process = make()
    status, told = answered(process, "/readyz")
    assert status == 503
    assert told["checks"][1] == {"name": "broker", "ready": False, "problem": "no Redis at redis://x; start it"}
    assert answered(process, "/livez") == answered(process, "/healthz") == (200, {"alive": True})


def test_a_process_whose_schema_is_of_another_version_is_not_ready(
    make: Callable[..., Probes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_persistence.schema.revisions.current", lambda _: "0001")
    status, told = answered(make(), "/readyz")
    assert status == 503
    assert "questline db upgrade" in told["checks"][0]["problem"]


def test_a_process_whose_lords_cannot_be_imported_is_not_ready(make: Callable[..., Probes]) -> None:
    def missing() -> None:
        raise RuntimeError("secret")

    status, told = answered(make(besides={"workers": missing}), "/readyz")
    assert status == 503
    assert told["checks"][2] == {"name": "workers", "ready": False, "problem": "RuntimeError"}


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], object]]:
    """A look that hangs until the test has ended."""
    go_on = threading.Event()
    monkeypatch.setattr(probes, "WAIT_SECONDS", 0.01)
    yield lambda: go_on.wait(30)
    go_on.set()


def test_a_store_that_hangs_makes_no_probe_hang(make: Callable[..., Probes], hanging: Callable[[], object]) -> None:
    process = make(besides={"workers": hanging})
    status, told = answered(process, "/readyz")
    assert status == 503
    assert "no answer within" in told["checks"][0]["problem"]
    assert answered(process, "/livez")[0] == 200


def test_a_process_whose_main_loop_hangs_is_not_alive(make: Callable[..., Probes]) -> None:
    assert answered(make(alive=lambda: False), "/livez") == (503, {"alive": False})


def test_the_version_is_that_of_the_command_line(make: Callable[..., Probes]) -> None:
    status, told = answered(make(), "/version")
    assert status == 200
    assert {"questline", "python", "schema", "code_version"} == set(told)


def test_another_path_is_none_of_ours(make: Callable[..., Probes]) -> None:
    assert make().answer("/") is None


def page(process: Probes) -> str:
    answer = process.answer("/metrics")
    assert answer is not None
    assert answer.status == 200
    return answer.body.decode()


def test_the_gauges_tell_of_the_store(make: Callable[..., Probes], bench: Workbench) -> None:
    bench.submit("a")
    bench.clock.advance(20)
    bench.submit("a")
    bench.claim(bench.submit("a"), bench.worker(lease=LONG))
    bench.submit(step("a", queue="mail"))
    told = page(make())
    for line in (
        'quest_queue_depth{queue="default"} 2.0',
        'quest_queue_depth{queue="slow"} 0.0',
        'quest_queue_depth{queue="mail"} 1.0',
        "quest_running 1.0",
        "quest_workers 1.0",
    ):
        assert line in told
    (oldest,) = [line for line in told.splitlines() if line.startswith('quest_queue_oldest_seconds{queue="default"}')]
    assert float(oldest.split()[1]) == pytest.approx(20, abs=1)


def test_a_store_that_is_away_leaves_the_counts(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Gauges) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(Gauges, "read", away)
    tally = Tally()
    tally.count(RECOVERED, by=3)
    told = page(Probes({}, Gauges(bench.database, "default"), tally))
    assert "quest_recovered_total 3.0" in told
    assert "quest_queue_depth{" not in told


def test_readers_ask_the_store_once_in_a_while(make: Callable[..., Probes], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Gauges] = []
    read = Gauges.read
    monkeypatch.setattr(Gauges, "read", lambda self: asked.append(self) or read(self))
    process = make()
    assert page(process) == page(process)
    assert len(asked) == 1


def test_without_the_library_the_answer_says_what_to_install(
    make: Callable[..., Probes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    answer = make().answer("/metrics")
    assert answer is not None
    assert answer.status == 501
    assert b"pip install 'questline[metrics]'" in answer.body
