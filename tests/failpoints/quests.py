"""The quests that faults happen to: three steps, whose outputs tell what each step saw."""

from typing import Any

from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.states import ExecutionStatus
from tests.failpoints.orders import LORDS


def three_steps(quest_id: str) -> QuestExecutionData:
    return QuestExecutionData(
        quest_id=quest_id,
        quest_type="test",
        execution_stack=[LordStep(name, "work", backoff_seconds=0.01) for name in LORDS],
    )


def fold(*lords: str) -> dict[str, Any]:
    """Return the state that these Lords make of nothing, one after the other."""
    return {name: {"lord": name, "saw": sorted(lords[:index])} for index, name in enumerate(lords)}


def hand_kept(quest_id: str, done: int) -> QuestExecutionData:
    """Return a quest that its program keeps itself, with so many steps done."""
    status = ExecutionStatus.COMPLETED if done >= len(LORDS) else ExecutionStatus.RUNNING
    rest = three_steps(quest_id).execution_stack[done:]
    run_data = fold(*LORDS[:done])
    output = run_data[LORDS[-1]] if status is ExecutionStatus.COMPLETED else None
    return QuestExecutionData(
        quest_id=quest_id,
        quest_type="test",
        status=status,
        execution_stack=rest,
        run_data=run_data,
        output_data=output,
        start_time=1.0,
        end_time=None if output is None else 2.0,
    )
