"""Which quests of a namespace change, event by event."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from questline_gateway.live import wire
from questline_gateway.live.listener import Listener
from questline_persistence.records.changes import Changes


async def namespace_events(namespace: str, listener: Listener[Changes]) -> AsyncGenerator[bytes]:
    """Yield the events of a namespace, as they are sent.

    Parameters:
      namespace: the tenant.
      listener: brings what the reader sees.

    Raises:
      Ended: the stream is to end.
    """
    opened = False
    while True:
        changes = await listener.next(wire.HEARTBEAT_SECONDS)
        if changes is None:
            yield wire.HEARTBEAT
            continue
        if not opened:
            opened = True
            yield wire.event("ready", {"namespace": namespace})
        for state in changes.states:
            changed = {"quest_id": state.quest_id, "status": str(state.status), "version": state.version}
            yield wire.event("quest", {**changed, "epoch": state.epoch})
        for quest_id in changes.deleted:
            yield wire.event("deleted", {"quest_id": quest_id})
