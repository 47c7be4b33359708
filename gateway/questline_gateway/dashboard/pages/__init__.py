"""The pages: one file each, a function that reads what it shows and returns it."""

from questline_gateway.dashboard.pages.api import api
from questline_gateway.dashboard.pages.audit import audit, keys
from questline_gateway.dashboard.pages.batches import abort_batch, batch, batches, make_batch
from questline_gateway.dashboard.pages.compare import compare
from questline_gateway.dashboard.pages.control import control, control_many
from questline_gateway.dashboard.pages.lords import lords
from questline_gateway.dashboard.pages.memory import agent, memory
from questline_gateway.dashboard.pages.overview import overview
from questline_gateway.dashboard.pages.quest import quest
from questline_gateway.dashboard.pages.quest_list import quest_list
from questline_gateway.dashboard.pages.submit import submit
from questline_gateway.dashboard.pages.workers import workers

__all__ = [
    "abort_batch",
    "agent",
    "api",
    "audit",
    "batch",
    "batches",
    "compare",
    "control",
    "control_many",
    "keys",
    "lords",
    "make_batch",
    "memory",
    "overview",
    "quest",
    "quest_list",
    "submit",
    "workers",
]
