"""The command: which workloads, how often, how large, and where the report goes."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.harness import machine, report
from benchmarks.harness.bench import Bench
from benchmarks.harness.peers import Peers
from benchmarks.harness.servers import Servers
from benchmarks.workloads import WORKLOADS

#: The exit code after Ctrl-C, as of any program.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen workloads, print the page, and write it if asked to."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    keys = chosen.workloads or list(WORKLOADS)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    out = None if chosen.quick else chosen.out
    if out is not chosen.out:
        console.print("quick: the sizes are too small for figures to keep, so none is written")
    found: dict[str, Any] = {}
    try:
        with Servers() as servers, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            about = machine.described() | {"postgres": servers.settings(), "quick": chosen.quick}
            peers = Peers(servers) if chosen.peers else None
            bench = Bench(servers, chosen.runs, chosen.quick, progress, peers)
            for key in keys:
                console.print(f"{key} …")
                result = WORKLOADS[key](bench)
                found = report.merged(found, about, [result], chosen.runs)
                if out:
                    # Written after each: a long call that is interrupted has not been for nothing.
                    report.write(out, report.merged(report.read(out), about, [result], chosen.runs))
    except KeyboardInterrupt:
        console.print("interrupted" + (f"; what had ended by then is in {out}" if out and found else ""))
        raise SystemExit(INTERRUPTED) from None
    print(json.dumps(found, indent=2) if chosen.json else report.page(found))
    if out:
        console.print(f"written to {out / report.NAME}.md and .json")


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
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that everything runs; nothing is written"
    )
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
