from pathlib import Path

from benchmarks.harness import report
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import sample

MACHINE = {"measured_at": "today", "load_average": 0.1, "fsync_microseconds": 33.0, "packages": {"questline": "1"}}


def result(key: str = "W1", *, ratio: float = 0.5) -> Result:
    figures = [Figure("questline", "steps/s", sample([900, 1_000, 1_200]), "as it comes")]
    bars = [Bar("steps/s ÷ the others'", sample([ratio]), 0.6, "at least")]
    return Result(key, "throughput", "many steps", figures, bars, ["a note"])


def test_a_page_shows_medians_spreads_and_missed_bars() -> None:
    page = report.page(report.merged({}, MACHINE, [result()], runs=3))

    assert "| questline | 1,000 | steps/s | 30% | as it comes |" in page
    assert "| W1 | steps/s ÷ the others' ≥ 0.6 | 0.500 | **missed** | 0.500 |" in page
    assert "many steps; 3 runs, today, load 0.1 before, 33.0 µs for a sync of the disk." in page
    assert "- a note" in page
    assert "- packages: questline 1" in page


def test_a_bar_is_met_on_its_own_side() -> None:
    assert Bar("", sample([0.6]), 0.6, "at least").met
    assert not Bar("", sample([0.6]), 0.5, "at most").met


def test_a_later_call_replaces_only_the_workloads_that_it_ran() -> None:
    first = report.merged({}, MACHINE, [result("W2"), result("W10")], runs=3)
    both = report.merged(first, MACHINE | {"measured_at": "later"}, [result("W2", ratio=0.7)], runs=5)

    assert [entry["key"] for entry in both["workloads"]] == ["W2", "W10"]
    assert [entry["machine"]["measured_at"] for entry in both["workloads"]] == ["later", "today"]
    assert [entry["bars"][0]["met"] for entry in both["workloads"]] == [True, False]


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = report.merged({}, MACHINE, [result()], runs=1)
    report.write(tmp_path / "docs", written)

    assert report.read(tmp_path / "docs") == written
    assert (tmp_path / "docs" / "benchmarks.md").read_text() == report.page(written)
    assert report.read(tmp_path) == {}
