"""Which steps of awaited quests can run here and now, and which nobody can run at all."""

from __future__ import annotations

from questline_persistence.claims import Doorbell
from questline_persistence.errors import PayloadError, QuestConflict, suggestion
from questline_persistence.journal import Identity
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.recovery import Bells, Register
from questline_persistence.states import AT_REST
from questline_worker.lords import known_handlers


class RunnableSteps:
    """Finds the steps of quests that are awaited in this process.

    Parameters:
      repository: knows how the quests stand.
      bells: knows which of their steps are ready.
      register: knows which Lords other workers have.
      identity: knows which Lords this process has.
    """

    def __init__(self, repository: QuestRepository, bells: Bells, register: Register, identity: Identity) -> None:
        self._repository = repository
        self._bells = bells
        self._register = register
        self._identity = identity

    def refuse_unknown(self, quest: QuestExecutionData) -> None:
        """Refuse a quest with a step that nobody could run.

        Raises:
          PayloadError: neither this process nor a worker that is alive knows the Lord of one of its steps.
        """
        unknown = {step.handler for step in quest.execution_stack} - {*known_handlers()}
        for name in sorted(unknown - self._register.known(unknown) if unknown else ()):
            raise PayloadError(f"neither this process nor a live worker knows {name}", hint=_near(name))

    def find(self, quest_id: str) -> Doorbell | bool:
        """Return the bell of a quest's step that may run here and now, or else whether the quest goes on.

        Raises:
          QuestConflict: its step is one that nobody can run.
        """
        known = self._identity.handlers
        if self._repository.status(quest_id) in AT_REST:
            return False
        bell = self._bells.bell_of(quest_id, handlers=known)
        unknown = None if bell else self._bells.unknown_handler(quest_id, known)
        if unknown is not None:
            message = f"quest {quest_id} waits for {unknown}; neither this process nor a live worker knows that Lord"
            raise QuestConflict(message, hint=f"{_near(unknown)}; resume the quest in a process that knows it")
        return bell or True


def _near(name: str) -> str:
    known = known_handlers()
    return suggestion(name, known, kind="Lords") if known else "no Lord is registered in this process"
