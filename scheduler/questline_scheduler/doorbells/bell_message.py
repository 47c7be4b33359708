"""The message that rings a bell: ids alone, equal for equal bells, so that a broker can tell what it has already."""

from __future__ import annotations

import re
from typing import Any

from dramatiq import Message

from questline_persistence.claims import Doorbell
from questline_persistence.errors import PayloadError

#: The one actor that every doorbell is for.
ACTOR_NAME = "run_step"
#: Longest wake-up that a broker delivers, in bytes; ours have about 60, the longest quest id makes 330.
MAX_MESSAGE_BYTES = 10_000

#: Only a quest id may hold a colon, so that the last three always part the others.
_BELL_ID = re.compile(r"([A-Za-z0-9_][!-~]{0,199}):(\d{1,9}):([!-9;-~]{1,100}):(\d{1,18})", re.ASCII)
_ARGUMENTS = frozenset({"quest_id", "epoch", "position"})


def message_for(bell: Doorbell) -> Message[Any]:
    """Return the message that rings `bell`: equal for equal bells, and nothing in it but ids."""
    return Message(
        queue_name=bell.queue,
        actor_name=ACTOR_NAME,
        args=(),
        kwargs={"quest_id": bell.quest_id, "epoch": bell.epoch, "position": bell.position},
        options={},
        message_id=bell_id(bell),
        message_timestamp=int(bell.available_at * 1000),
    )


def bell_id(bell: Doorbell) -> str:
    """Return the id of the message that rings `bell`: it says everything."""
    return f"{bell.quest_id}:{bell.epoch}:{bell.position}:{bell.fence}"


def bell_named(message_id: str, queue: str) -> Doorbell | None:
    """Return the bell whose message has this id, or None if no bell's message can have it.

    Parameters:
      message_id: what came from the broker, be it forged.
      queue: the queue that it came from.
    """
    match = _BELL_ID.fullmatch(message_id)
    if match is None:
        return None
    quest_id, epoch, position, fence = match.groups()
    bell = Doorbell(quest_id, int(epoch), position, int(fence), queue)
    return bell if bell_id(bell) == message_id else None


def bell_in(message: Message[Any]) -> Doorbell:
    """Return the bell that a message rings; one that names no readiness of its own gets fence 0.

    Raises:
      PayloadError: the message is not for `run_step`, or not with its arguments.
    """
    kwargs = message.kwargs
    if message.actor_name != ACTOR_NAME or message.args or kwargs.keys() != _ARGUMENTS:
        raise PayloadError(
            f"{message.actor_name} wakes no step: this broker carries {ACTOR_NAME}(quest_id=, epoch=, position=) only",
            hint="give your own actors a broker of their own",
        )
    bell = Doorbell(queue=message.queue_name, **kwargs)
    named = bell_named(message.message_id, message.queue_name)
    if named is not None and message_for(named).kwargs == kwargs:
        return named
    if type(bell.epoch) is not int or bell_named(message_for(bell).message_id, bell.queue) != bell:
        raise PayloadError(f"{kwargs!r:.200} names no step", hint="quest_id and position are strings, epoch a number")
    return bell
