"""What every quest of a soak does, drawn from the seed, so that each result can be computed again from scratch."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from questline_persistence.models import LordStep, QuestExecutionData

#: The Lords of the submitted steps, and of the steps that one of them may push. Each has the one tool.
LORDS = ("lord1", "lord2", "lord3", "lord4", "lord5")
PUSHED = ("pushed1", "pushed2")
TOOL = "hash"

#: Longest nap of a step in seconds.
LONGEST_NAP = 0.05
#: Failures that a step may have before the quest fails, more than any plan asks for.
MAX_ATTEMPTS = 5
#: How many quests in a hundred push steps, have a gate, and remember; how many steps in a hundred fail at first.
PUSHING, GATED, REMEMBERING, FLAKY = 20, 4, 20, 12
#: The key in which all steps that remember are counted.
COUNTER = "counter"


def digest(seed: str, epoch: int, position: str, previous: str | None) -> str:
    """Return what a step must return: a hash of all that it is given."""
    return hashlib.sha256(f"{seed}|{epoch}|{position}|{previous}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class QuestPlan:
    """One quest: five steps, of which some fail at first, one may push two more, and one may have a gate."""

    seed: int
    number: int

    @property
    def quest_id(self) -> str:
        return f"soak-{self.number:05d}"

    @property
    def quest_seed(self) -> str:
        return f"{self.seed}/{self.number}"

    def quest(self) -> QuestExecutionData:
        """Return the quest to submit."""
        draw = random.Random(f"{self.seed}:{self.number}")  # noqa: S311  (to be drawn again, not to be secret)
        pusher, gated = self._pusher(), self._gated()
        stack = []
        previous = None
        for index, name in enumerate(LORDS):
            params = {
                "previous": previous,
                "nap": round(draw.uniform(0.0, LONGEST_NAP), 4),
                "failures": draw.randint(1, 2) if draw.randrange(100) < FLAKY else 0,
                "pushing": index == pusher,
                "gated": index == gated,
                "remembers": self.remembers,
            }
            stack.append(LordStep(name, TOOL, params=params, max_attempts=MAX_ATTEMPTS, backoff_seconds=0.05))
            previous = PUSHED[-1] if index == pusher else name
        return QuestExecutionData(
            quest_id=self.quest_id,
            quest_type="soak",
            input_data={"seed": self.quest_seed},
            execution_stack=stack,
        )

    def positions(self) -> Iterator[str]:
        """Yield the positions of all steps, the pushed ones among them, in the order of the stack."""
        pusher = self._pusher()
        for index in range(len(LORDS)):
            yield f"{index + 1:04d}"
            if index == pusher:
                yield from (f"{index + 1:04d}.{extra + 1:04d}" for extra in range(len(PUSHED)))

    def outputs(self, epoch_of: Callable[[str], int]) -> dict[str, str]:
        """Return the output of every position; `epoch_of` tells in which epoch each of them ran."""
        found: dict[str, str] = {}
        previous = None
        for position in self.positions():
            previous = found[position] = digest(self.quest_seed, epoch_of(position), position, previous)
        return found

    @property
    def remembers(self) -> bool:
        """Whether the submitted steps keep a state and an event each, and count themselves."""
        return self._chosen("remember", REMEMBERING) is not None

    def _pusher(self) -> int | None:
        """Return the index of the step that pushes others, if any."""
        return self._chosen("push", PUSHING)

    def _gated(self) -> int | None:
        """Return the index of the step that fails its quest until the admin opens its gate, if any."""
        return self._chosen("gate", GATED)

    def _chosen(self, what: str, percent: int) -> int | None:
        draw = random.Random(f"{self.seed}:{self.number}:{what}")  # noqa: S311  (as above)
        return draw.randrange(len(LORDS)) if draw.randrange(100) < percent else None
