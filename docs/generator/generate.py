"""Writes the parts of the documentation that stand in the code: settings, states, limits, events, commands, names.

    python docs/generator/generate.py            # write them
    python docs/generator/generate.py --check    # change nothing; exit with 1 if a page is stale

A part stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`; everything else on a page is written by hand.
`llms.txt` and `openapi.json` are written as a whole.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from api_description import api_text
from command_reference import cli_part, commands_part, exit_codes_part, shared_options_part
from docstrings import read
from error_reference import catalogue_part, errors_part, public_errors_part
from http_reference import operations_part
from llms import llms_text
from log_events import events_part
from metrics_reference import metrics_part
from python_reference import HEADINGS, names_part, objects_part, part
from schema_reference import schema_part
from tables import table

from questline_persistence.settings import documented
from questline_persistence.states import TRANSITIONS, ExecutionStatus, WorkerState

ROOT = Path(__file__).resolve().parents[2]
#: Files that are written as a whole.
WHOLE: dict[str, Callable[[], str]] = {"llms.txt": llms_text, "docs/reference/openapi.json": api_text}
PAGES = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")), *WHOLE)
_PART = re.compile(r"(<!-- begin: ([\w-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)

#: Limits worth knowing, by module; the value and the `#:` comment above it are read from the code.
LIMITS = {
    "questline_persistence.payload.encoding": ("MAX_DEPTH",),
    "questline_persistence.models.step": ("MAX_STEPS",),
    "questline_persistence.models.labels": ("MAX_LABELS", "MAX_LABEL_KEY", "MAX_LABEL_VALUE"),
    "questline_persistence.models.quest": ("MAX_KEY_LENGTH", "MAX_REASON"),
    "questline_persistence.journal.ended_attempt": ("MAX_ERROR_LENGTH",),
    "questline_persistence.recovery.sweep": ("MAX_SWEEP",),
    "questline_persistence.recovery.bells": ("MAX_REDISPATCH",),
    "questline_persistence.recovery.ticket_pages": ("PAGE",),
    "questline_persistence.suspicion": ("MAX_LOST_IN_ALL",),
    "questline_persistence.backoff": ("MAX_BACKOFF_SECONDS",),
    "questline_persistence.claims": ("REDISPATCH_FIRST", "REDISPATCH_LONGEST"),
    "questline_persistence.records.listing.quest_list": ("MAX_PAGE", "MAX_OFFSET", "MAX_PASSED", "MAX_MATCHED"),
    "questline_persistence.records.quest_history": ("MAX_HISTORY",),
    "questline_scheduler.client.submissions": ("MAX_SUBMIT", "SUBMIT_BATCH"),
    "questline_scheduler.doorbells.bell_message": ("MAX_MESSAGE_BYTES",),
    "questline_scheduler.logs": ("MAX_FIELD", "MAX_EXCEPTION"),
    "questline_worker.lords.outcomes": ("MAX_AFTER_SECONDS",),
}
#: The same, of what Lords remember.
MEMORY_LIMITS = {
    "questline_persistence.arguments": ("MAX_KEY",),
    "questline_persistence.memory.step.buffered": ("MAX_WRITES", "MAX_BYTES"),
    "questline_persistence.memory.trying": ("TRIES",),
    "questline_persistence.journal.conflicts": ("MAX_CONFLICTS",),
    "questline_persistence.memory.kept": ("MAX_PAGE", "PAGE"),
    "questline_persistence.memory.batches": ("MAX_BATCH",),
    "questline_persistence.memory.states.snapshots": ("MAX_CLEANED",),
    "questline_persistence.memory.states.transfer": ("MAX_EXPORTED",),
    "questline_persistence.memory.runs.run_history": ("MAX_PAGE", "MAX_OFFSET"),
    "questline_persistence.search.query": ("MAX_TERMS",),
    "questline_persistence.search.tokens": ("MAX_TOKENS",),
    "questline_persistence.memory.searching": ("MAX_RANKED",),
    "questline_persistence.controls.inheriting": ("MAX_ENTRIES",),
}


def settings_part() -> str:
    """Return the table of all settings."""
    rows = [(f"`{name}`", f"`{default}`" if default else "", text) for name, default, text in documented()]
    return table(("variable", "default", "meaning"), rows)


def states_part() -> str:
    """Return the diagram of a quest's states: every change that `TRANSITIONS` allows, one arrow per pair of states."""
    verbs: dict[tuple[ExecutionStatus, ExecutionStatus], list[str]] = {}
    for name, transition in TRANSITIONS.items():
        verb = name.removesuffix("_pausing")
        for pair in ((source, target) for source in transition.sources for target in transition.targets):
            if verb not in verbs.setdefault(pair, []):
                verbs[pair].append(verb)
    order = list(ExecutionStatus)
    arrows = sorted(verbs, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    lines = [f"    {source} --> {target}: {', '.join(verbs[source, target])}" for source, target in arrows]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> new: submit, fork", *lines, "```"])


def worker_states_part() -> str:
    """Return the table of the states of a worker."""
    meanings = read(WorkerState).entries("Values")
    return table(("state", "meaning"), [(f"`{state}`", meanings[state]) for state in WorkerState])


def limits_part(limits: Mapping[str, Sequence[str]]) -> str:
    """Return the table of limits."""
    rows = []
    for module_name, names in limits.items():
        module = importlib.import_module(module_name)
        comments = _comments(inspect.getsource(module))
        rows += [
            (comments[name], f"{getattr(module, name):,}".removesuffix(".0"), f"`{module_name}.{name}`")
            for name in names
        ]
    return table(("limit", "value", "constant"), rows)


def _comments(source: str) -> dict[str, str]:
    """Return the `#:` comment above each constant of a module, on one line."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in source.splitlines():
        if line.startswith("#:"):
            comment.append(line.removeprefix("#:").strip())
        else:
            for name in re.findall(r"^([A-Z_]+(?:, [A-Z_]+)*) =", line):
                found |= dict.fromkeys(name.split(", "), " ".join(comment).rstrip("."))
            comment = []
    return found


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings_part,
    "states": states_part,
    "worker-states": worker_states_part,
    "limits": partial(limits_part, LIMITS),
    "memory-limits": partial(limits_part, MEMORY_LIMITS),
    "events": events_part,
    "operations": operations_part,
    "metrics": metrics_part,
    "names": names_part,
    **{name: partial(part, name) for name in HEADINGS if name != "errors"},
    "errors": errors_part,
    "public-errors": public_errors_part,
    "error-catalogue": catalogue_part,
    "objects": objects_part,
    "schema-core": partial(schema_part, "core"),
    "schema-memory": partial(schema_part, "memory"),
    "exit-codes": exit_codes_part,
    "commands": commands_part,
    "shared-options": shared_options_part,
    "cli": cli_part,
}


def renewed(page: str) -> str:
    """Return a page with every generated part as the code has it now."""
    return _PART.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}\n{match[3]}", page)


def main(arguments: Sequence[str]) -> int:
    """Write the stale pages, or with `--check` only name them; return the exit code."""
    stale = []
    for name in PAGES:
        path = ROOT / name
        before = path.read_text() if path.exists() else ""
        after = WHOLE[name]() if name in WHOLE else renewed(before)
        if before != after:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(after)
    print(f"{len(stale)} of {len(PAGES)} pages stale" + "".join(f"\n  {name}" for name in stale))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
