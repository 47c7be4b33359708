import json
import subprocess
import sys

import pytest

from benchmarks import command
from benchmarks.harness.pool import ROOT
from benchmarks.workloads import WORKLOADS


def test_every_workload_that_was_asked_for_can_be_run() -> None:
    assert list(WORKLOADS) == [*(f"W{number}" for number in range(1, 13)), "W14", "W17", "MEMORY"]


@pytest.mark.parametrize("words", [["W99"], ["W1", "--runs", "0"], ["--runs", "many"]])
def test_a_wrong_word_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(words)

    assert "usage: python -m benchmarks" in capsys.readouterr().err


@pytest.mark.timeout(120)
def test_the_smallest_call_measures_and_verifies_real_pools() -> None:
    words = [sys.executable, "-m", "benchmarks", "W1", "W7", "W17", "--quick", "--runs", "1", "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {"cpu", "cpu_count", "packages", "postgres", "load_average", "fsync_microseconds"} <= report[
        "machine"
    ].keys()
    assert (report["machine"]["postgres"]["fsync"], report["machine"]["quick"]) == ("on", True)
    assert [entry["key"] for entry in report["workloads"]] == ["W1", "W7", "W17"]
    for entry in report["workloads"]:
        assert all(figure["median"] >= 0 and len(figure["values"]) == 1 for figure in entry["figures"])
        assert {"name", "unit", "median", "spread", "values", "setup"} == entry["figures"][0].keys()
    [bar] = report["workloads"][0]["bars"]
    assert {"text", "side", "limit", "median", "values", "met"} == bar.keys()
    names = [[figure["name"] for figure in entry["figures"]] for entry in report["workloads"]]
    assert names[0][:3] == ["questline", "bare Dramatiq", "questline: processor time, workers"]
    assert names[1] == ["questline in process", "questline worker"]
