"""The checker: all rules over one history."""

from collections import Counter
from collections.abc import Callable, Iterable

from tests.chaos.history.records import History
from tests.chaos.rules.answers import answers
from tests.chaos.rules.calls import calls
from tests.chaos.rules.executions import executions
from tests.chaos.rules.memories import memories
from tests.chaos.rules.outcomes import outcomes
from tests.chaos.rules.transitions import transitions
from tests.chaos.rules.violation import Harm, Violation

RULES: tuple[Callable[[History], Iterable[Violation]], ...] = (
    outcomes,
    transitions,
    executions,
    answers,
    memories,
    calls,
)


def check(history: History) -> list[Violation]:
    """Return everything that must not have happened."""
    return [violation for rule in RULES for violation in rule(history)]


def count(violations: Iterable[Violation]) -> dict[Harm, int]:
    """Return how many quests were lost, doubled, stuck, or met a broken rule."""
    quests = {(violation.harm, violation.quest_id) for violation in violations}
    counted = Counter(harm for harm, _ in quests)
    return {harm: counted[harm] for harm in Harm}
