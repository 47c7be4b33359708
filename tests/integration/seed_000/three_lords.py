"""The quest that the seed's suite runs: an architect, a forge master and a sentinel."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any, NamedTuple

from questline import ExecutionStatus, LordStep, QuestExecutionData, QuestRepository

#: Longest that anything here may take, in seconds.
PATIENCE = 20.0
STACK = (("architect", "design_system"), ("forge_master", "generate_code"), ("sentinel", "review_code"))


class Calls(NamedTuple):
    """What the three Lords of this suite were called for, and what they are to do."""

    made: list[str]
    faults: dict[str, Exception]
    gates: dict[str, threading.Event]


def call(calls: Calls, lord_name: str) -> None:
    """Note a Lord's call; wait at its gate, and raise its fault, if it has one."""
    calls.made.append(lord_name)
    if lord_name in calls.gates:
        assert calls.gates[lord_name].wait(PATIENCE)
    if lord_name in calls.faults:
        raise calls.faults[lord_name]


def three_steps(quest_id: str = "q-001", service: str = "AuthService", **more: Any) -> QuestExecutionData:
    return QuestExecutionData(
        quest_id=quest_id,
        quest_type="design_microservice",
        input_data={"service": service},
        execution_stack=[LordStep(*names) for names in STACK],
        **more,
    )


def run(work: Awaitable[QuestExecutionData]) -> QuestExecutionData:
    async def bounded() -> QuestExecutionData:
        return await asyncio.wait_for(work, PATIENCE)

    return asyncio.run(bounded())


def saved(repo: QuestRepository, quest_id: str, status: ExecutionStatus, seconds: float | None = None) -> None:
    """Keep a quest by hand that took `seconds`."""
    times: dict[str, Any] = {} if seconds is None else {"start_time": 1000.0, "end_time": 1000.0 + seconds}
    repo.save_quest(three_steps(quest_id, status=status, **times))
