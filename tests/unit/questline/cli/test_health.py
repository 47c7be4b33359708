import http.client
from collections.abc import Iterator

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import load
from questline_scheduler.monitoring import Gauges, Probes, Tally
from questline_scheduler.monitoring.health_server import HealthServer
from questline_worker.supervisor import Supervisor
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


def _missing() -> None:
    raise LookupError


@pytest.fixture
def lordless(bench: Workbench) -> Iterator[HealthServer]:
    """What a pool answers that is alive, and whose Lords nobody can import."""
    probes = Probes({"workers": _missing}, Gauges(bench.database, bench.namespace), Tally())
    with HealthServer("127.0.0.1", 0, probes) as server:
        yield server


def test_health_tells_a_process_that_is_alive_from_one_that_is_ready(
    cli: CommandLine, lordless: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_HEALTH_PORT", str(lordless.port))
    monkeypatch.setenv("QUESTLINE_HEALTH_HOST", "0.0.0.0")  # noqa: S104  (it is asked for, not bound)
    assert cli.json("health", "--live") == {"alive": True}
    for flags in ((), ("--ready",)):
        ran = cli("health", *flags)
        assert ran.code == 3
        assert "not ready: workers: LookupError" in ran.err


def test_health_says_what_is_missing_on_its_own_side(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = cli("health")
    assert ran.code == 2
    assert "QUESTLINE_HEALTH_PORT" in ran.err
    monkeypatch.setenv("QUESTLINE_HEALTH_PORT", "9")
    ran = cli("health")
    assert ran.code == 3
    assert "no worker or scheduler answers on 127.0.0.1:9" in ran.err
    assert cli("health", "--live", "--ready").code == 2


def test_a_pool_whose_port_is_taken_starts_no_process(
    bench: Workbench, lordless: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = load(database_url=bench.url, broker_url="memory://", health_port=lordless.port)
    pool = Supervisor(chosen, [])
    monkeypatch.setattr(pool, "_start", lambda: pytest.fail("a process was started"))
    with pytest.raises(ConfigurationError, match="cannot listen on"):
        pool.run()
    pool._broker.close()
    pool._database.close()


def test_what_is_no_answer_of_ours_is_told(
    cli: CommandLine, lordless: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_HEALTH_PORT", str(lordless.port))
    monkeypatch.setattr(http.client.HTTPResponse, "read", lambda _: b"<html>")
    assert cli("health").code == 3
