"""What a verb of an admin did to a quest, as clients, the command line and the gateway tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from questline_persistence.claims import Doorbell
from questline_persistence.controls.locked_quest import LockedQuest
from questline_persistence.controls.restart import Restart
from questline_persistence.states import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Controlled:
    """What a verb did to a quest.

    Parameters:
      quest_id: the quest.
      status: its status now.
      changed: whether the verb changed anything; pausing a paused quest does not.
      doorbells: the wake-ups for steps that the verb made ready; the client has sent them.
      notice: a remark on what the verb did, or None.
      epoch: the quest's replay number now.
      version: the version of its state now.
      restart: of a replay: where it starts, what it changes, and which steps run again.
    """

    quest_id: str
    status: ExecutionStatus
    changed: bool
    doorbells: tuple[Doorbell, ...] = ()
    notice: str | None = None
    epoch: int = 0
    version: int = 0
    restart: Restart | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the verb did as plain JSON data, without `doorbells`; of `restart`, what became of keys."""
        return {
            "quest_id": self.quest_id,
            "status": str(self.status),
            "changed": self.changed,
            "epoch": self.epoch,
            "version": self.version,
            "notice": self.notice,
            **({} if self.restart is None else {"keys": [key.to_json() for key in self.restart.keys]}),
        }

    def preview(self, status: ExecutionStatus) -> dict[str, Any]:
        """Return what a replay would do that was only looked at, as plain JSON data.

        Parameters:
          status: the quest's status, which is not yet that of a quest that runs again.
        """
        restart = {} if self.restart is None else self.restart.to_json()
        return {**self.to_json(), "status": str(status)} | restart

    @classmethod
    def of(cls, locked: LockedQuest, status: ExecutionStatus, *doorbells: Doorbell, version: int | None = None) -> Self:
        """Return what a verb did that has changed a quest.

        Parameters:
          locked: the quest, as it was before.
          status: its status now.
          doorbells: the wake-ups for steps that the verb made ready.
          version: the version of its state now; None if the verb has not changed it.
        """
        return cls(
            quest_id=locked.quest_id,
            status=status,
            changed=True,
            doorbells=doorbells,
            epoch=locked.quest.epoch,
            version=locked.version if version is None else version,
        )
