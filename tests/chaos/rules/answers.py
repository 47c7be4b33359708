"""What the admin was told must have been true, and stay true until the next verb."""

from collections.abc import Iterator

from tests.chaos.history.ledger import Entry
from tests.chaos.history.records import REFUSED, UNKNOWN, History, Verb
from tests.chaos.rules.executions import explained
from tests.chaos.rules.violation import Harm, Violation

#: The database's clock is the machine's; an audit row is written this long before its commit is answered, in seconds.
SKEW = 0.005


def answers(history: History) -> Iterator[Violation]:
    """Yield runs after the word "paused", commits after "cancelled", and answers without their deed."""
    begins: dict[str, list[Entry]] = {}
    for entry in history.ledger:
        if entry.word == "begin":
            begins.setdefault(entry.key.split(":", maxsplit=1)[0], []).append(entry)
    for quest_id, verbs in history.verbs_of.items():
        for verb in verbs:
            until = _until(verb, verbs)
            if until is None:
                continue
            if verb.answer == "paused":
                yield from _paused(history, verb, until, begins.get(quest_id, []))
            elif verb.answer == "cancelled":
                yield from _cancelled(history, verb, until)
    for quest_id in history.events_of:
        yield from _deeds(history, quest_id, history.verbs_of.get(quest_id, []))


def _until(verb: Verb, verbs: list[Verb]) -> float | None:
    """Return when the next verb was sent, or None if another one was under way while this was answered."""
    if verb.answer in {REFUSED, UNKNOWN}:
        return None
    others = [other for other in verbs if other is not verb and other.answered >= verb.sent]
    until = min((other.sent for other in others), default=float("inf"))
    return until if until >= verb.answered else None


def _paused(history: History, verb: Verb, until: float, begins: list[Entry]) -> Iterator[Violation]:
    rule = "I8 nothing starts once paused was reported"
    for event in history.events_of.get(verb.quest_id, []):
        granted = event.kind == "ticket" and event.state == "running" and event.op == "UPDATE"
        if granted and verb.answered + SKEW < event.at < until:
            yield Violation(Harm.BROKEN, rule, verb.quest_id, f"{event.key} was claimed by {event.claim_id}")
    for entry in begins:
        if verb.answered + SKEW < entry.at < until and not explained(history, entry):
            yield Violation(Harm.BROKEN, rule, verb.quest_id, f"the body of {entry.key} began in {entry.pid}")


def _cancelled(history: History, verb: Verb, until: float) -> Iterator[Violation]:
    for event in history.events_of.get(verb.quest_id, []):
        if event.kind == "run" and verb.answered + SKEW < event.at < until:
            text = f"{event.state} of {event.key} was committed"
            yield Violation(Harm.BROKEN, "nothing is committed once cancelled was reported", verb.quest_id, text)


def _deeds(history: History, quest_id: str, verbs: list[Verb]) -> Iterator[Violation]:
    """Compare replays and their answers: each that was reported happened, and none happened unasked."""
    happened = {event.epoch for event in history.events_of.get(quest_id, []) if event.state == "replay"}
    replays = [verb for verb in verbs if verb.verb == "replay"]
    reported = {verb.epoch for verb in replays if verb.answer == "running"}
    doubtful = sum(verb.answer == UNKNOWN for verb in replays)
    if not reported <= happened:
        text = f"epochs {sorted(map(str, reported - happened))} never were"
        yield Violation(Harm.LOST, "a reported replay happened", quest_id, text)
    if len(happened) > len(reported) + doubtful:
        text = f"epochs {sorted(happened)}, reported {sorted(map(str, reported))}"
        yield Violation(Harm.BROKEN, "no replay happens unasked", quest_id, text)
