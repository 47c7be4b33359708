"""The command: which workloads, how often, how large, and where the report goes."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.harness import machine, report
from benchmarks.harness.bench import Bench
from benchmarks.harness.peers import Peers
from benchmarks.harness.servers import Servers
from benchmarks.workloads import WORKLOADS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen workloads, print the page, and write it if asked to."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    keys = chosen.workloads or list(WORKLOADS)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Servers() as servers, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        about = machine.described() | {"postgres": servers.settings(), "quick": chosen.quick}
        peers = Peers(servers) if chosen.peers else None
        bench = Bench(servers, chosen.runs, chosen.quick, progress, peers)
        found = report.read(chosen.out) if chosen.out else {}
        for key in keys:
            result = WORKLOADS[key](bench)
            # Written after each: a long call that is interrupted has not been for nothing.
            found = report.merged(found, about, [result], chosen.runs)
            if chosen.out:
                report.write(chosen.out, found)
    print(json.dumps(found, indent=2) if chosen.json else report.page(found))


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C: with servers stopped and files removed."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure questline beside its peers.")
    parser.add_argument(
        "workloads", nargs="*", type=_workload, metavar="W", help=f"which ones: {', '.join(WORKLOADS)}; default: all"
    )
    parser.add_argument("--peers", action="store_true", help="run the peers too, in .venv-peers")
    parser.add_argument("--runs", type=_runs, default=3, help="how often each figure is measured (default: 3)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write benchmarks.md and benchmarks.json there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a page")
    return parser


def _workload(word: str) -> str:
    key = word.upper()
    if key not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"no workload {word!r}; there are {', '.join(WORKLOADS)}")
    return key


def _runs(word: str) -> int:
    if not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number from 1")
    return int(word)
