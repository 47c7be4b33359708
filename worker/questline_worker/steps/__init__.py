"""One step's life in a process: claimed, run, settled, and its quest's next step handed over.

It imports `lords`, and the floors below.
"""

from questline_worker.steps.actor import declare_actor
from questline_worker.steps.async_steps import AsyncSteps, StepStarter
from questline_worker.steps.checkpointing import Checkpointing
from questline_worker.steps.claiming import Claiming
from questline_worker.steps.company import Company
from questline_worker.steps.driven_steps import Begun, DrivenSteps, Turn
from questline_worker.steps.event_loop import EventLoop
from questline_worker.steps.execution import Execution
from questline_worker.steps.giving_back import GivingBack
from questline_worker.steps.handover import Handover
from questline_worker.steps.held_ends import HeldEnds
from questline_worker.steps.outcome_writer import OutcomeWriter
from questline_worker.steps.pending import Pending, interruption_in
from questline_worker.steps.pipeline import Pipeline
from questline_worker.steps.running import RunningStep, RunningSteps, ids_of
from questline_worker.steps.wake_ups import WakeUps
from questline_worker.steps.work_queue import WorkQueue

__all__ = [
    "AsyncSteps",
    "Begun",
    "Checkpointing",
    "Claiming",
    "Company",
    "DrivenSteps",
    "EventLoop",
    "Execution",
    "GivingBack",
    "Handover",
    "HeldEnds",
    "OutcomeWriter",
    "Pending",
    "Pipeline",
    "RunningStep",
    "RunningSteps",
    "StepStarter",
    "Turn",
    "WakeUps",
    "WorkQueue",
    "declare_actor",
    "ids_of",
    "interruption_in",
]
