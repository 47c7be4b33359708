"""One step's life in a process: claimed, run, settled, and its quest's next step handed over.

It imports `lords`, and the floors below.
"""

from questline_worker.steps.actor import declare_actor
from questline_worker.steps.async_steps import AsyncSteps
from questline_worker.steps.company import Company
from questline_worker.steps.driven_steps import Begun, DrivenSteps, Turn
from questline_worker.steps.event_loop import EventLoop
from questline_worker.steps.execution import Execution
from questline_worker.steps.giving_back import GivingBack
from questline_worker.steps.handover import Handover
from questline_worker.steps.pending import Pending, interruption_in
from questline_worker.steps.running import RunningStep, RunningSteps
from questline_worker.steps.settlement import Settlement, ids_of
from questline_worker.steps.work_queue import WorkQueue

__all__ = [
    "AsyncSteps",
    "Begun",
    "Company",
    "DrivenSteps",
    "EventLoop",
    "Execution",
    "GivingBack",
    "Handover",
    "Pending",
    "RunningStep",
    "RunningSteps",
    "Settlement",
    "Turn",
    "WorkQueue",
    "declare_actor",
    "ids_of",
    "interruption_in",
]
