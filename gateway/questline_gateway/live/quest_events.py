"""What happens to one quest, event by event: each of its versions once and in order, and its status in between."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from questline_gateway.live import wire
from questline_gateway.live.listener import Listener
from questline_gateway.live.reader import Reader, in_thread
from questline_persistence.records.changes import Look, QuestState, QuestVersion
from questline_persistence.states import TERMINAL, ExecutionStatus, SnapshotReason

#: What a version tells, and the status that the quest had from then on.
_TOLD = {
    SnapshotReason.START: ("submitted", ExecutionStatus.NEW),
    SnapshotReason.CHECKPOINT: ("step_succeeded", ExecutionStatus.RUNNING),
    SnapshotReason.PAUSE: ("paused", ExecutionStatus.PAUSED),
    SnapshotReason.ERROR: ("failed", ExecutionStatus.FAILED),
    SnapshotReason.REPLAY: ("replayed", ExecutionStatus.RUNNING),
    SnapshotReason.COMPLETED: ("completed", ExecutionStatus.COMPLETED),
}
#: How the id of the last event of a quest that has ended differs from that of its version.
_END = ":end"
#: The digits of the highest version that is looked for.
_DIGITS = 9


def seen_by(quest_id: str, last_event_id: str) -> tuple[int, bool] | None:
    """Return the version that a reader has seen, and whether also that the quest had ended there.

    Parameters:
      quest_id: the quest.
      last_event_id: the id of the last event that the reader has got; None is returned where it is none of the quest's.
    """
    ended = last_event_id.endswith(_END)
    version = last_event_id.removesuffix(_END).removeprefix(f"{quest_id}:")
    return (int(version), ended) if version.isdecimal() and len(version) <= _DIGITS else None


class QuestEvents:
    """The events of one quest for one reader.

    Parameters:
      reader: who asks the store.
      quest_id: the quest.
      after: the version that was seen last; -1 where none was.
    """

    def __init__(self, reader: Reader, quest_id: str, after: int) -> None:
        self._reader = reader
        self._quest_id = quest_id
        self._after = after
        self._newest: QuestVersion | None = None
        #: Status and failures of the step that the reader knows.
        self._known: tuple[ExecutionStatus, int] | None = None

    async def sent_to(self, listener: Listener[Look]) -> AsyncGenerator[bytes]:
        """Yield the events, as they are sent, until the quest has ended or is gone.

        Parameters:
          listener: brings what the reader sees.

        Raises:
          Ended: the stream is to end before that.
        """
        await self._go_back_to_what_was_seen()
        while True:
            look = await listener.next(wire.HEARTBEAT_SECONDS)
            if look is None:
                yield wire.HEARTBEAT
                continue
            if look.state is None:
                yield wire.event("end", {"quest_id": self._quest_id, "what": "deleted", "status": None})
                return
            async for part in self._versions(look, look.state):
                yield part
            for part in self._status(look.state):
                yield part
            if self._has_ended(look.state):
                return

    async def _go_back_to_what_was_seen(self) -> None:
        """Read the version that was seen last; where there is none of that number, begin anew."""
        found = await self._read(self._after - 1) if self._after >= 0 else []
        if found and found[0].version == self._after:
            self._newest = found[0]
        else:
            self._after = -1

    async def _versions(self, look: Look, state: QuestState) -> AsyncGenerator[bytes]:
        """Yield the versions that follow the one told last; those that the look lacks are read."""
        if state.version < self._after and state.epoch > self._epoch:  # another quest of this id
            self._after = -1
        fresh = [one for one in look.versions if one.version > self._after]
        if fresh and fresh[0].version == self._after + 1:
            for one in fresh:
                yield self._told(one)
        while self._after < state.version and (found := await self._read(self._after)):
            for one in found:
                yield self._told(one)

    @property
    def _epoch(self) -> int:
        return -1 if self._newest is None else self._newest.epoch

    async def _read(self, after: int) -> list[QuestVersion]:
        return await in_thread(partial(self._reader.quests.versions, self._quest_id, after))

    def _told(self, version: QuestVersion) -> bytes:
        """Return the event of a version, which the reader knows from now on."""
        what, status = _TOLD[version.reason]
        self._newest, self._after, self._known = version, version.version, (status, 0)
        return wire.event("version", self._data(what, status, version.created_at), self._id)

    def _status(self, state: QuestState) -> list[bytes]:
        """Return the event of a status that no version tells, and of an end."""
        if state.version != self._after:  # an older look than what was told by now
            return []
        if state.status in TERMINAL:
            return [wire.event("end", self._data("ended", state.status, state.updated_at), self._id + _END)]
        if self._known == (state.status, state.attempt):
            return []
        self._known = (state.status, state.attempt)
        return [wire.event("status", self._data("status", state.status, state.updated_at, attempt=state.attempt))]

    def _has_ended(self, state: QuestState) -> bool:
        return state.status in TERMINAL and state.version == self._after

    @property
    def _id(self) -> str:
        return f"{self._quest_id}:{self._after}"

    def _data(self, what: str, status: ExecutionStatus, at: str, **more: Any) -> dict[str, Any]:
        newest = self._newest
        assert newest is not None  # noqa: S101  (a quest has its first version as long as it has a row)
        return {
            "quest_id": self._quest_id,
            "what": what,
            "version": newest.version,
            "epoch": newest.epoch,
            "status": str(status),
            "position": newest.position,
            "progress": {"completed": newest.completed, "remaining": newest.remaining},
            "at": at,
            **more,
        }
