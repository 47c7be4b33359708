"""The quests that the browser looks at."""

from typing import Any

from questline import LordContext, LordStep, Quest, lord

#: A number that a browser's own numbers would round.
BIG = 9007199254740993


@lord("surveyor", "survey")
def survey(_ctx: LordContext) -> dict[str, int]:
    """Count files."""
    return {"files": 20, "bytes": BIG}


@lord("risk_reader", "read_risks")
def read_risks(_ctx: LordContext, limits: dict[str, int]) -> dict[str, int]:
    """Fail where too much is asked for."""
    if limits["max_findings"] > 1_000:
        raise ValueError(f"{limits['max_findings']} findings asked for, the model takes 1000")
    return {"risks": 3}


@lord("scribe", "write")
def write(_ctx: LordContext) -> list[str]:
    """Return about a megabyte."""
    return [f"line {number} {'x' * 90}" for number in range(9_000)]


def review(quest_id: str, max_findings: int = 5_000, **more: Any) -> Quest:
    """Return a quest of three steps, the second of which fails with more than 1,000 findings."""
    steps = [
        LordStep("surveyor", "survey"),
        LordStep("risk_reader", "read_risks", max_attempts=2, backoff_seconds=0),
        LordStep("surveyor", "survey"),
    ]
    limits = {"max_findings": max_findings, "cost": BIG}
    fields = {"quest_type": "codebase_review", "input_data": {"limits": limits}, "execution_stack": steps}
    return Quest(quest_id=quest_id, **{**fields, **more})
