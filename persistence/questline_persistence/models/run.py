"""A run: one attempt of one step, as the history has it."""

from __future__ import annotations

from typing import Any

from questline_persistence.models.record import Record
from questline_persistence.states import RunStatus


class OnceCall(Record):
    """What one call of `ctx.once` has returned; it never changes.

    Parameters:
      name: the call's name; `name#2` where its step used the name for the second time.
      attempt_number: the attempt of the step in which it ran, from 1.
      claim_id: the hold on the step under which it ran.
      output_data: what it returned.
      started_at: when it began.
      ended_at: when it had returned.
      duration_seconds: the time from the one to the other.
    """

    name: str
    attempt_number: int
    claim_id: str
    output_data: Any
    started_at: str
    ended_at: str
    duration_seconds: float


class LordRun(Record):
    """One recorded attempt of one step; it never changes.

    Parameters:
      run_id: its number; higher ones were recorded later.
      quest_id: the quest.
      epoch: the quest's replay number at that time.
      position: the step's place in the stack; None for what a program recorded itself.
      lord_name: the Lord.
      tool_name: the tool.
      run_index: which step of this Lord it belongs to, from 1.
      status: how it ended.
      input_data: what the handler was given: the step's params.
      output_data: what it returned.
      error_message: what it raised.
      attempt_number: which attempt it was, from 1.
      max_attempts: how many failures the step may have.
      start_time: when it began.
      end_time: when it ended.
      duration_seconds: the time from the one to the other.
      created_at: when it was recorded.
      worker_id: the worker process that ran it.
      claim_id: that process's hold on the step.
      lost: whether it ended because its worker was lost.
      code_version: which code ran it, as the worker was told.
      calls: what its calls of `ctx.once` have returned, in the order of their end.
    """

    run_id: int
    quest_id: str
    epoch: int
    position: str | None
    lord_name: str
    tool_name: str
    run_index: int
    status: RunStatus
    input_data: Any
    output_data: Any
    error_message: str | None
    attempt_number: int
    max_attempts: int
    start_time: float
    end_time: float | None
    duration_seconds: float | None
    created_at: str
    worker_id: str | None
    claim_id: str | None
    lost: bool = False
    code_version: str | None = None
    calls: tuple[OnceCall, ...] = ()
