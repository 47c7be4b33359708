"""Calls that run once: what was recorded is served to every later claim of the step, and comes to its result."""

from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.history.ledger import Entry
from tests.chaos.history.records import History
from tests.chaos.rules.violation import Harm, Violation

AGAIN = "I30 a recorded call never runs again"
SERVED = "what was recorded is what the step comes to"


def calls(history: History) -> Iterator[Violation]:
    """Yield calls that a claim made although an earlier one had recorded them, and results that are others'.

    A claim that was given before the record may make the call as well: it has lost its step, and records nothing.
    """
    made: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in history.ledger:
        if entry.word == "call":
            made[entry.key].append(entry)
    for call in history.calls:
        key, kept = f"{call.quest_id}:{call.epoch}:{call.position}", history.grants.get(call.claim_id)
        if kept is None:
            yield Violation(Harm.BROKEN, "a call is recorded under a claim", call.quest_id, str(call))
            continue
        for entry in made[key]:
            later = history.grants.get(entry.claim_id)
            if later is not None and later.seq > kept.seq:
                yield Violation(Harm.DOUBLED, AGAIN, call.quest_id, f"{key} by {entry.claim_id} after {call.claim_id}")
    yield from _served(history)


def _served(history: History) -> Iterator[Violation]:
    """Yield results of steps that make a call which is not recorded, or has come to something else."""
    calling = {plan.quest_id for plan in history.plans if plan.remembers}
    recorded = {(call.quest_id, call.epoch, call.position): call.result for call in history.calls}
    for run in history.runs:
        step = (run.quest_id, run.epoch, run.position)
        if run.status == "success" and run.quest_id in calling and "." not in run.position:
            found = recorded.get(step)
            if found != run.output:
                yield Violation(Harm.LOST, SERVED, run.quest_id, f"{step}: recorded {found}, committed {run.output}")
