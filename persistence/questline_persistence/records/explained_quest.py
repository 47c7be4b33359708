"""A quest, and why it is where it is: looked up together, for everything that shows a quest to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from questline_persistence.models import OnceCall, QuestExecutionData
from questline_persistence.records.backlog import Backlog
from questline_persistence.records.quest_history import QuestHistory
from questline_persistence.records.repository import QuestRepository
from questline_persistence.records.situation import Situation, situation_of
from questline_persistence.recovery import Register
from questline_persistence.states import StepStatus


@dataclass(frozen=True, slots=True)
class ExplainedQuest:
    """A quest, and why it is where it is.

    Parameters:
      quest: the quest.
      situation: what it waits for or who runs it, and the command that changes that.
      calls: what the step where it stands has recorded of its calls, in all of its attempts.
    """

    quest: QuestExecutionData
    situation: Situation
    calls: Sequence[OnceCall] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the quest as JSON, under `why` its situation, and under `calls` what its present step has recorded."""
        more = {"why": self.situation.to_json(), "calls": [call.to_json() for call in self.calls]}
        return self.quest.to_json() | more


def explained_quest(repository: QuestRepository, quest_id: str, *, whole: bool = True) -> ExplainedQuest:
    """Return a quest, and why it is where it is.

    Parameters:
      repository: where to look.
      quest_id: the quest's id.
      whole: whether with its outputs and steps, or at a glance as in a list.

    Raises:
      QuestNotFound: there is no such quest in the namespace.
      PayloadError: it is to be whole, and its outputs together are larger than the store's limit for that.
    """
    database, namespace = repository.database, repository.namespace
    # Before the quest: one that has ended since has no ticket, and its status tells why.
    tickets = repository.tickets(quest_id)
    ahead = Backlog(database, namespace).ahead_of(quest_id)
    quest = repository.load_quest(quest_id) if whole else repository.glance(quest_id)
    workers = Register(database, namespace).all()
    situation = situation_of(quest, tickets, workers, database.clock.now(), ahead=ahead)
    return ExplainedQuest(quest, situation, _calls(repository, quest) if whole else ())


def _calls(repository: QuestRepository, quest: QuestExecutionData) -> Sequence[OnceCall]:
    """Return what the first step that has not succeeded has recorded."""
    step = next((step for step in quest.steps if step.status is not StepStatus.SUCCESS), None)
    if step is None:
        return ()
    history = QuestHistory(repository.database, repository.namespace)
    return history.calls(quest.quest_id, quest.epoch, step.position)
