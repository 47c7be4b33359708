"""The handle of a submitted quest, and what else may stand for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from questline_persistence.arguments import Length
from questline_persistence.controls import Restart
from questline_persistence.errors import PayloadError
from questline_persistence.models import QuestExecutionData


class _Client(Protocol):
    """What a handle asks: `QuestClient`."""

    def get(self, quest_id: str) -> QuestExecutionData: ...
    def wait(self, quest_id: str, timeout: Length | None = None) -> QuestExecutionData: ...


@dataclass(frozen=True, slots=True)
class QuestHandle:
    """A submitted quest.

    Parameters:
      quest_id: its id.
      created: whether this very call created it; False where an idempotency key had been used before.
      restart: of a fork: where it starts, what it changes, and which steps run.
    """

    quest_id: str
    created: bool
    _client: _Client = field(repr=False, compare=False)
    restart: Restart | None = field(default=None, repr=False, compare=False)

    def wait(self, timeout: Length | None = None) -> QuestExecutionData:
        """Wait until the quest is completed, as `QuestClient.wait` does, and return it."""
        return self._client.wait(self.quest_id, timeout)

    def get(self) -> QuestExecutionData:
        """Return the quest as it stands now, as `QuestClient.get` does."""
        return self._client.get(self.quest_id)

    def preview(self, source: str) -> dict[str, Any]:
        """Return what a fork would do that was only looked at, as plain JSON data.

        Parameters:
          source: the quest that it would be forked from.
        """
        restart = {} if self.restart is None else self.restart.to_json()
        return {"quest_id": self.quest_id, "created": False, "forked_from": source} | restart


class _AsyncClient(Protocol):
    """What an async handle asks: `AsyncQuestClient`."""

    async def get(self, quest_id: str) -> QuestExecutionData: ...
    async def wait(self, quest_id: str, timeout: Length | None = None) -> QuestExecutionData: ...  # noqa: ASYNC109  (as `_Client`'s)


@dataclass(frozen=True, slots=True)
class AsyncQuestHandle:
    """A quest submitted by an `AsyncQuestClient`: a `QuestHandle` whose methods are awaited.

    Parameters:
      quest_id: its id.
      created: whether this very call created it; False where an idempotency key had been used before.
    """

    quest_id: str
    created: bool
    _client: _AsyncClient = field(repr=False, compare=False)

    async def wait(self, timeout: Length | None = None) -> QuestExecutionData:  # noqa: ASYNC109  (as `QuestHandle`'s)
        """Wait until the quest is completed, as `QuestClient.wait` does, and return it."""
        return await self._client.wait(self.quest_id, timeout)

    async def get(self) -> QuestExecutionData:
        """Return the quest as it stands now, as `QuestClient.get` does."""
        return await self._client.get(self.quest_id)


#: What a verb takes for a quest: its id, its handle, or the quest itself as it was read.
QuestRef: TypeAlias = str | QuestHandle | AsyncQuestHandle | QuestExecutionData


def id_of(quest: QuestRef) -> str:
    """Return the id that is meant.

    Raises:
      PayloadError: it is nothing that stands for a quest.
    """
    if isinstance(quest, str):
        return quest
    if isinstance(quest, QuestHandle | AsyncQuestHandle | QuestExecutionData):
        return quest.quest_id
    raise PayloadError(f"{type(quest).__name__} does not name a quest", hint="give its id, or its handle")
