"""Writes a soak's report, docs/project/soak.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from questline_persistence.suspicion import MAX_LOST
from tests.chaos.parameters import Fault
from tests.chaos.recovery import LIGHT, Sample, promises
from tests.chaos.rules.violation import Harm
from tests.chaos.soak import Outcome

#: What is measured after each fault, in the words of the table.
MEASURES = {
    Fault.KILL_CHILD: "kill → next claim of each step it held",
    Fault.LOSE_HOST: "kill → next claim of each step it held",
    Fault.FREEZE: "SIGSTOP → next claim of each step it held",
    Fault.KILL_SUPERVISOR: "kill → first claim by the new pool",
    Fault.DEPLOY: "longest time with a ready step and no claim",
    Fault.KILL_SCHEDULER: "nobody waits for it",
    Fault.VERB: "nobody waits for it",
}
#: How the verdict is reached.
HOW = f"""\
## How it is judged

Three witnesses are compared: the database's audit (triggers that copy every change of a ticket, quest, run and
snapshot inside its transaction), the effect ledger (a file to which every handler appends when its body begins and
ends), and what the admin was told. Every step is a hash of its quest's seed, its epoch, its position and its input,
so that every result is computed again from the seed.

PostgreSQL runs with `synchronous_commit` on and `fsync` off: an immediate shutdown loses nothing then, since the
operating system keeps the pages. A power cut is not part of this soak.

A step that loses {MAX_LOST} workers, each while it ran alone, fails its quest by design.
The admin retries it, as it does quests whose gate was shut.
"""
_BROKER_MEASURE, _STORE_MEASURE = "over → last ready step claimed", "over → first commit"


def write(outcome: Outcome, path: Path) -> None:
    """Write the report."""
    path.write_text(text(outcome))


def text(outcome: Outcome) -> str:
    """Return the report as Markdown."""
    return "\n".join([*_head(outcome), *_table(outcome), *_foot(outcome)]) + "\n"


def _head(outcome: Outcome) -> list[str]:
    parameters, history, harm = outcome.parameters, outcome.history, outcome.harm
    statuses = [quest.status for quest in history.quests.values()]
    bodies = sum(entry.word == "begin" for entry in history.ledger)
    completed, cancelled = statuses.count("completed"), statuses.count("cancelled")
    harms = (
        f"{harm[Harm.LOST]} lost, {harm[Harm.DOUBLED]} doubled, {harm[Harm.STUCK]} stuck, {harm[Harm.BROKEN]} broken"
    )
    size = f"{parameters.hosts} hosts with {parameters.processes} processes of {parameters.threads} threads each"
    rows = {
        "seed": f"`QUESTLINE_SOAK_SEED={parameters.seed}`: draws plans, faults and victims; the system draws the rest",
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {outcome.seconds / 60:.1f} minutes",
        "machine": _machine(),
        "deployment": f"{size}, {parameters.schedulers} schedulers",
        "terms": f"heartbeat {parameters.heartbeat:g} s, lease {parameters.lease:g} s, sweep {parameters.sweep:g} s",
        "last quest ended": f"{outcome.drain_seconds:.1f} s after the last fault",
        "longest wait of a ready step": f"{outcome.longest_wait:.1f} s, whatever was broken meanwhile",
        "verbs of the admin": _verbs(outcome),
        "results dropped by the fence": f"{_fenced(outcome):,} bodies ended without their result being taken",
    }
    return [
        "# The chaos soak",
        "",
        "`make soak` starts PostgreSQL, Valkey, hosts with supervised workers and three schedulers as real processes,",
        "breaks them at random, and then judges the whole history. This page is its report and is written by it.",
        "",
        f"**{harms}** in {len(history.plans):,} quests with",
        f"{len(history.commits):,} committed steps, {bodies:,} bodies begun and {len(outcome.strikes):,} faults;",
        f"{completed:,} quests were completed, {cancelled:,} cancelled by the admin.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in rows.items()),
        "",
    ]


def _table(outcome: Outcome) -> list[str]:
    """Return the table of recovery per fault."""
    lines = [
        "## Recovery",
        "",
        "Seconds. What is promised holds for one fault at a time. *Alone*: no other was under way meanwhile, apart",
        "from kills of single workers and schedulers; *all* counts also those that others prolonged.",
        "",
        "| fault | times | measured | promised | alone: n | p50 | p99 | max | all: n | p99 | max |",
        "| --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    promised = promises(outcome.parameters)
    for fault in Fault:
        samples = outcome.samples.get(fault, [])
        alone = [sample.seconds for sample in samples if sample.alone or fault in LIGHT - {Fault.KILL_CHILD}]
        everything = [sample.seconds for sample in samples]
        promise = f"{promised[fault]:g}" if fault in promised else ""
        measure = MEASURES.get(fault, _STORE_MEASURE if "POSTGRES" in fault.name else _BROKER_MEASURE)
        lines.append(
            f"| {fault} | {outcome.struck[fault]} | {measure} | {promise} | {_figures(alone, (0.5, 0.99, 1.0))}"
            f" | {_figures(everything, (0.99, 1.0))} |"
        )
    return [*lines, ""]


def _foot(outcome: Outcome) -> list[str]:
    return [
        *HOW.splitlines(),
        *(
            []
            if not outcome.violations
            else ["", "## Violations", "", *(f"- {one}" for one in outcome.violations[:100])]
        ),
        *_listed("Errors", outcome.errors),
    ]


def _listed(title: str, items: Sequence[object]) -> list[str]:
    """Return a section with the first of the items, if there are any."""
    return ["", f"## {title}", "", *(f"- {item}" for item in items[:100])] if items else []


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below `share` of all."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _figures(values: Sequence[float], shares: Sequence[float]) -> str:
    shown = [f"{quantile(values, share):.2f}" for share in shares] if values else [""] * len(shares)
    return " | ".join([str(len(values)), *shown])


def samples_told(samples: Sequence[Sample]) -> str:
    """Return the figures of one fault in a line."""
    return _figures([sample.seconds for sample in samples], (0.5, 0.99, 1.0))


def _verbs(outcome: Outcome) -> str:
    names = sorted({verb.verb for verb in outcome.history.verbs})
    counts = {name: sum(verb.verb == name for verb in outcome.history.verbs) for name in names}
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _fenced(outcome: Outcome) -> int:
    """Return how many bodies came to a result that was not committed."""
    committed = {event.claim_id for event in outcome.history.commits.values()}
    ended = {entry.claim_id for entry in outcome.history.ledger if entry.word == "end"}
    return len(ended - committed)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}"
