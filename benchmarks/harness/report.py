"""The report: one JSON file, and the same as a page for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness.result import Result

NAME = "benchmarks"
_TITLE = """\
# Benchmarks

`make bench` writes this page; `make bench PEERS=1` runs the peers too, `make bench ARGS="W1 W2"` some of the workloads.

Figures differ from machine to machine, and on one machine from hour to hour. So most bars are ratios of things that
were measured in turn in the same call. Where a bar is a time or a rate, compare it with the disk: each workload tells
how long a sync took.

A figure is the median of the runs, and a bar is judged by it. Its spread is the distance between the best and the worst
run. Each run is checked: every quest completed, one success per step, no snapshot missing. PostgreSQL and SQLite are as
durable here as in production.
"""


def merged(old: dict[str, Any], machine: dict[str, Any], results: Iterable[Result], runs: int) -> dict[str, Any]:
    """Return a report in which the results replace those of the same workloads; each keeps its own machine."""
    found = {entry["key"]: entry for entry in old.get("workloads", [])}
    for result in results:
        found[result.key] = {**result.plain(), "runs": runs, "machine": machine}
    return {"machine": machine, "workloads": [found[key] for key in sorted(found, key=_place)]}


def _place(key: str) -> tuple[int, str]:
    digits = key.removeprefix("W")
    return (int(digits) if digits.isdigit() else 1_000, key)


def write(folder: Path, report: dict[str, Any]) -> None:
    """Write the report as JSON and as a page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    (folder / f"{NAME}.md").write_text(page(report))


def read(folder: Path) -> dict[str, Any]:
    """Return the report that lies in a folder, or an empty one."""
    path = folder / f"{NAME}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def page(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    parts = [_TITLE, *_bars(report), *_machine(report["machine"])]
    for entry in report["workloads"]:
        parts += _workload(entry)
    return "\n".join(parts) + "\n"


def _bars(report: dict[str, Any]) -> Iterator[str]:
    yield "## Bars\n"
    yield "| # | bar | measured | | in each run |\n| --- | --- | ---: | --- | --- |"
    for entry in report["workloads"]:
        for bar in entry["bars"]:
            sign = "≥" if bar["side"] == "at least" else "≤"
            verdict = "met" if bar["met"] else "**missed**"
            text = f"{bar['text']} {sign} {bar['limit']:,g}"
            each = " · ".join(map(_number, bar["values"]))
            yield f"| {entry['key']} | {text} | {_number(bar['median'])} | {verdict} | {each} |"
    yield ""


def _machine(machine: dict[str, Any]) -> Iterator[str]:
    yield "## Machine of the last call\n"
    for name, value in machine.items():
        shown = ", ".join(f"{key} {text}" for key, text in value.items()) if isinstance(value, dict) else value
        yield f"- {name.replace('_', ' ')}: {shown}"
    yield ""


def _workload(entry: dict[str, Any]) -> Iterator[str]:
    yield f"## {entry['key']}: {entry['title']}\n"
    machine = entry["machine"]
    when = f"{machine['measured_at']}, load {machine['load_average']} before"
    yield f"{entry['size']}; {entry['runs']} runs, {when}, {machine['fsync_microseconds']} µs for a sync of the disk.\n"
    yield "| | median | unit | spread | set up |\n| --- | ---: | --- | ---: | --- |"
    for figure in entry["figures"]:
        cells = (figure["name"], _number(figure["median"]), figure["unit"], f"{figure['spread']:.0%}", figure["setup"])
        yield f"| {' | '.join(cells)} |"
    yield ""
    for note in entry["notes"]:
        yield f"- {note}"
    if entry["notes"]:
        yield ""


def _number(value: float) -> str:
    """Return three meaningful digits, and all of them before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
