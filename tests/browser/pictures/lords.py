"""The Lords in the pictures. They are read as if they stood in `/app/lords.py`, which tracebacks then name."""

import time
from typing import Any

from questline import LordContext, Snooze, lord


@lord("surveyor", "survey")
def survey(_ctx: LordContext, root: str) -> dict[str, Any]:
    """Count the files of a project."""
    time.sleep(0.2)
    return {"root": root, "files": 1_284, "bytes": 9007199254740993, "languages": {"Python": 1_190, "SQL": 94}}


@lord("graph_reader", "read_imports")
def read_imports(_ctx: LordContext) -> dict[str, Any]:
    """Find out who imports whom."""
    time.sleep(0.5)
    return {"edges": 4_143, "cycles": [["refunds", "ledger", "refunds"]]}


@lord("risk_reader", "read_risks", max_attempts=3)
def read_risks(_ctx: LordContext, limits: dict[str, int]) -> dict[str, int]:
    """Ask a model for risks, which refuses to tell of too many."""
    time.sleep(0.3)
    return ask_model("Name the risks of this change.", limits["max_findings"])


def ask_model(prompt: str, most: int) -> dict[str, int]:
    """Ask the model, which takes 1,000 findings at most."""
    if most > 1_000:
        raise ValueError(f"max_findings is {most:,}; the model takes 1,000 at most")
    return {"risks": len(prompt) % 7}


@lord("reporter", "write_report")
def write_report(_ctx: LordContext, surveyor: dict[str, Any]) -> str:
    """Write the report."""
    time.sleep(0.1)
    return f"# Review of {surveyor['root']}\n\nThree risks, one cycle of imports.\n"


@lord("price_reader", "fetch_prices")
def fetch_prices(_ctx: LordContext) -> None:
    """Wait for a list that comes in an hour."""
    raise Snooze(after=3_600)
