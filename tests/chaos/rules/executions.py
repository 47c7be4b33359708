"""What handlers did, by their own ledger, beside what was claimed and committed."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.history.ledger import Entry
from tests.chaos.history.records import History
from tests.chaos.rules.violation import Harm, Violation

#: How long after a commit, or the word "paused", a body that began before may still be writing its line, in seconds.
TOLERANCE = 0.5


def executions(history: History) -> Iterator[Violation]:
    """Yield bodies that ran without a claim, twice, or too late, and commits without a body."""
    begun = Counter((entry.key, entry.claim_id) for entry in history.ledger if entry.word == "begin")
    ended = {(entry.key, entry.claim_id) for entry in history.ledger if entry.word == "end"}
    for (key, claim_id), times in begun.items():
        if times > 1:
            yield Violation(Harm.DOUBLED, "a claim runs its step once", _quest(key), f"{key} {times} times")
        grant = history.grants.get(claim_id)
        if grant is None or _text(grant.key) != key:
            yield Violation(Harm.BROKEN, "a body runs under its claim", _quest(key), f"{key} under {claim_id}")
    for run in history.runs:
        key = _text((run.quest_id, run.epoch, run.position))
        if run.status == "success" and not ((key, run.claim_id) in begun and (key, run.claim_id) in ended):
            text = f"{key} by {run.claim_id}, which has no begin and end in the ledger"
            yield Violation(Harm.LOST, "a result comes from a body that ran", run.quest_id, text)
    yield from _late(history)


def _late(history: History) -> Iterator[Violation]:
    """Yield bodies that began although their step had been committed, unless they are explained.

    That no committed step is *claimed* again is judged by the audit's order; this rule goes by the clock.
    """
    commits = {_text(key): event for key, event in history.commits.items()}
    for entry in history.ledger:
        commit = commits.get(entry.key)
        if entry.word != "begin" or commit is None or entry.at <= commit.at + TOLERANCE:
            continue
        if not explained(history, entry):
            late = entry.at - commit.at
            text = f"{entry.key} began in process {entry.pid} {late:.2f} s after its commit"
            yield Violation(Harm.DOUBLED, "a committed step does not run again", _quest(entry.key), text)


def explained(history: History, entry: Entry) -> bool:
    """Return whether a body may have begun so late: between its claim and its begin its process stood still.

    Either the nemesis had frozen it or cut it off, or the machine was so slow that the lease ran out: then the sweep
    has recorded the claim as lost before the body began, and the fence will drop its result.
    """
    grant = history.grants.get(entry.claim_id)
    if grant is None:
        return False
    swept = history.ended.get(entry.claim_id, float("inf"))
    return swept < entry.at or history.stood_still(entry.pid, grant.at - TOLERANCE, entry.at + TOLERANCE)


def _text(key: tuple[str, int, str]) -> str:
    return ":".join(map(str, key))


def _quest(key: str) -> str:
    return key.split(":", maxsplit=1)[0]
