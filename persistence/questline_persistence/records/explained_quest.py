"""A quest, and why it is where it is: looked up together, for everything that shows a quest to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from questline_persistence.models import QuestExecutionData
from questline_persistence.records.backlog import Backlog
from questline_persistence.records.repository import QuestRepository
from questline_persistence.records.situation import Situation, situation_of
from questline_persistence.recovery import Register


@dataclass(frozen=True, slots=True)
class ExplainedQuest:
    """A quest, and why it is where it is.

    Parameters:
      quest: the quest.
      situation: what it waits for or who runs it, and the command that changes that.
    """

    quest: QuestExecutionData
    situation: Situation

    def to_json(self) -> dict[str, Any]:
        """Return the quest as JSON, and under `why` its situation."""
        return self.quest.to_json() | {"why": self.situation.to_json()}


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
    return ExplainedQuest(quest, situation_of(quest, tickets, workers, database.clock.now(), ahead=ahead))
