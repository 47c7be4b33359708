import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import command
from benchmarks.harness.pool import ROOT
from benchmarks.workloads import WORKLOADS


def test_every_workload_that_was_asked_for_can_be_run() -> None:
    assert list(WORKLOADS) == [*(f"W{number}" for number in range(1, 13)), "W14", "W15", "W17", "MEMORY"]


@pytest.mark.parametrize("words", [["W99"], ["W1", "--runs", "0"], ["--runs", "many"]])
def test_a_wrong_word_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(words)

    assert "usage: python -m benchmarks" in capsys.readouterr().err


def called(*keys: str) -> dict[str, Any]:
    """Return the report of the smallest call for these workloads."""
    words = [sys.executable, "-m", "benchmarks", *keys, "--quick", "--runs", "1", "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert [entry["key"] for entry in report["workloads"]] == [*keys]
    for entry in report["workloads"]:
        assert all(figure["median"] >= 0 and len(figure["values"]) == 1 for figure in entry["figures"])
        assert {"name", "unit", "median", "spread", "values", "setup"} == entry["figures"][0].keys()
    return report


def names(entry: dict[str, Any]) -> list[str]:
    return [figure["name"] for figure in entry["figures"]]


@pytest.mark.timeout(120)
def test_the_smallest_call_measures_and_verifies_real_pools() -> None:
    report = called("W1", "W7")
    pools, embedded = report["workloads"]

    assert {"cpu", "cpu_count", "packages", "postgres", "load_average", "fsync_microseconds"} <= report[
        "machine"
    ].keys()
    assert (report["machine"]["postgres"]["fsync"], report["machine"]["quick"]) == ("on", True)
    [bar] = pools["bars"]
    assert {"text", "side", "limit", "median", "values", "met"} == bar.keys()
    assert names(pools)[:3] == ["questline", "bare Dramatiq", "questline: processor time, workers"]
    assert names(embedded) == ["questline in process", "questline worker"]


@pytest.mark.timeout(120)
def test_the_smallest_call_asks_a_real_gateway_for_its_streams_and_pages() -> None:
    (gateway,) = called("W17")["workloads"]

    assert {"beside readers, steps", "list, waiting: sqlite, 200 quests, p95", "quest: sqlite, 200 quests, p95"} < {
        *names(gateway)
    }
