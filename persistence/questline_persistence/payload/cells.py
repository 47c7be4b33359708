"""The cells of a quest's payloads: which row each belongs to, as all who write and read it name it.

A result, and the params that it came of, are copied from row to row by the database itself. A copy that it makes keeps
the place of what it is a copy of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from questline_persistence.payload.codec import Cell


def of_quest(column: str, namespace: str, quest_id: str) -> Cell:
    """Return the place of a column of a quest."""
    return Cell("quest_executions", column, (namespace, quest_id))


def of_step(quest_id: str, epoch: int, position: str | None) -> Cell:
    """Return the place of a step's params; an attempt of it has them as its input."""
    return Cell("quest_steps", "params", (quest_id, epoch, position))


def of_attempt(column: str, quest_id: str, epoch: int, position: str | None, claim_id: str) -> Cell:
    """Return the place of what an attempt came to: a claim has one row."""
    return Cell("lord_runs", column, (quest_id, epoch, position, claim_id))


def of_run(column: str, row: Mapping[str, Any]) -> Cell:
    """Return the place of a column of a run, whether it was a claim's, or a program that keeps its quest wrote it."""
    quest_id, epoch, claim_id = row["quest_id"], row["epoch"], row["claim_id"]
    if claim_id is None:
        return Cell("lord_runs", column, (quest_id, epoch, row["lord_name"], row["run_index"], row["attempt_number"]))
    if column == "input_data":
        return of_step(quest_id, epoch, row["position"])
    return of_attempt(column, quest_id, epoch, row["position"], claim_id)


def of_call(quest_id: str, epoch: int, position: str, name: str) -> Cell:
    """Return the cell of what a call within a step came to."""
    return Cell("step_once", "result", (quest_id, epoch, position, name))


def of_line(column: str, quest_id: str, fence: int, claim_id: str, seq: int) -> Cell:
    """Return the cell of what a step has said."""
    return Cell("step_events", column, (quest_id, fence, claim_id, seq))


def of_progress(quest_id: str, claim_id: str) -> Cell:
    """Return the cell of what a claim says to be doing."""
    return Cell("tickets", "progress_message", (quest_id, claim_id))


def of_batch(namespace: str, batch_id: str) -> Cell:
    """Return the cell of what the verb of a batch needs beside a quest."""
    return Cell("batches", "arguments", (namespace, batch_id))


def of_write(table: str, column: str, namespace: str, write_id: str) -> Cell:
    """Return the cell of a payload of what Lords remember: of the write that made it, wherever its row is copied to."""
    return Cell(table, column, (namespace, write_id))


def of_mission(namespace: str, prefix: str, session_id: str) -> Cell:
    """Return the cell of what a session is to achieve."""
    return Cell("sessions", "mission", (namespace, prefix, session_id))


def of_snapshot(column: str, quest_id: str, version: int) -> Cell:
    """Return the place of a column of a snapshot."""
    return Cell("quest_snapshots", column, (quest_id, version))
