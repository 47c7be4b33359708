"""Doorbells: the brokers that carry them, and who rings.

It imports persistence alone. The Redis broker is not handed on: `open_broker` imports it for a Redis URL, and no other
process pays for Redis's client.
"""

from questline_scheduler.doorbells.background_ringer import BackgroundRinger
from questline_scheduler.doorbells.bell_message import ACTOR_NAME, bell_id, message_for
from questline_scheduler.doorbells.brokers import open_broker
from questline_scheduler.doorbells.doorbell_broker import DoorbellBroker
from questline_scheduler.doorbells.doorbell_consumer import DoorbellConsumer, HandedMessage
from questline_scheduler.doorbells.free_threads import PATIENCE_SECONDS, FreeThreads
from questline_scheduler.doorbells.ringer import Ringer
from questline_scheduler.doorbells.watch import Watch

__all__ = [
    "ACTOR_NAME",
    "PATIENCE_SECONDS",
    "BackgroundRinger",
    "DoorbellBroker",
    "DoorbellConsumer",
    "FreeThreads",
    "HandedMessage",
    "Ringer",
    "Watch",
    "bell_id",
    "message_for",
    "open_broker",
]
