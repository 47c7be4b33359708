"""The clients: what producers submit through, and what admins steer and look with.

It imports `doorbells`, the files at the floor's root and persistence.
"""

from questline_scheduler.client.async_batches import AsyncBatches
from questline_scheduler.client.async_client import AsyncQuestClient
from questline_scheduler.client.batches import Batches, BatchWait
from questline_scheduler.client.client import QuestClient
from questline_scheduler.client.handle import AsyncQuestHandle, QuestHandle, QuestRef, id_of
from questline_scheduler.client.waiting import Wait

__all__ = [
    "AsyncBatches",
    "AsyncQuestClient",
    "AsyncQuestHandle",
    "BatchWait",
    "Batches",
    "QuestClient",
    "QuestHandle",
    "QuestRef",
    "Wait",
    "id_of",
]
