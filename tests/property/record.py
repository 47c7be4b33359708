"""What a store holds of one quest, in the model's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from questline_persistence.states import RunStatus
from tests.model.lineage import lineage
from tests.model.world import GONE, Ended, Lease, Ticket, World

#: The Lord of each step, and the process of the workers.
LORDS, OURS = "abc", "ours"
#: What a ring writes: no transition asks it.
_PACE = {"ring_at", "dispatches"}

#: The rows of each table, as named tuples.
Rows = dict[str, list[Any]]


def position_of(number: int | None) -> str | None:
    """Return a step's position as the store writes it."""
    return None if number is None else f"{number:04d}"


def output_of(epoch: int, position: int | str) -> str:
    """Return the result of a step, which tells where it stems from."""
    return f"{epoch}:{int(position)}"


def lasting(rows: Iterable[Any]) -> list[object]:
    """Return a table's rows without what every ring may change."""
    found = list(rows)
    if not found or _PACE.isdisjoint(found[0]._fields):
        return found
    return [{name: value for name, value in row._asdict().items() if name not in _PACE} for row in found]


@dataclass(frozen=True)
class Record:
    """The rows of a store at one moment.

    Parameters:
      rows: all of them, by table.
      quest_id: the quest that the model is about.
      worker_ids: the names of the model's workers now.
      now: the moment.
    """

    rows: Rows
    quest_id: str
    worker_ids: Sequence[str]
    now: float

    def mine(self, table: str) -> list[Any]:
        """Return the quest's rows of a table."""
        return [row for row in self.rows[table] if row.quest_id == self.quest_id]

    @cached_property
    def others(self) -> dict[str, list[object]]:
        """What lasts of the rows that are neither the quest's nor its workers', by table."""
        return {table: lasting(row for row in rows if not self._ours(row)) for table, rows in self.rows.items()}

    def _ours(self, row: Any) -> bool:
        return row.quest_id == self.quest_id if hasattr(row, "quest_id") else row.process_id == OURS

    def told(self) -> dict[str, object]:
        """Return what the rows say."""
        if not self.mine("quest_executions"):
            return {"status": None}
        (quest,), ticket = self.mine("quest_executions"), self._ticket()
        newest = [quest, *self.mine("tickets")]
        return {
            "status": quest.status,
            "epoch": quest.epoch,
            "started": quest.start_time is not None,
            "version": max(row.version for row in newest),
            "fence": max(row.fence for row in newest),
            "ticket": ticket and self._told_ticket(ticket),
            "runs": [
                (row.epoch, row.position, row.claim_id, row.status, row.version) for row in self.mine("lord_runs")
            ],
            "snapshots": [
                (row.version, row.epoch, row.position, row.snapshot_reason, row.parent_version)
                for row in self.mine("quest_snapshots")
            ],
            "leases": [self._lease(worker_id) for worker_id in self.worker_ids],
        }

    def foretold(self, world: World, ids: Mapping[int, str]) -> dict[str, object]:
        """Return what the rows should say, if the model is right.

        Parameters:
          ids: the names of the model's claims in the store.
        """
        if world.status is None:
            return {"status": None}
        return {
            "status": world.status,
            "epoch": world.epoch,
            "started": world.started,
            "version": world.version,
            "fence": world.fence,
            "ticket": world.ticket and self._foretold_ticket(world.ticket, ids),
            "runs": [
                (run.epoch, position_of(run.position), ids[run.claim], RunStatus(run.ended.status), run.version)
                for run in world.runs
            ],
            "snapshots": [
                (each.version, each.epoch, position_of(each.position), each.reason, each.parent)
                for each in world.snapshots
            ],
            "leases": [worker.lease for worker in world.workers],
        }

    def _ticket(self) -> Any | None:
        return next(iter(self.mine("tickets")), None)

    def _told_ticket(self, row: Any) -> object:
        at = (row.epoch, row.position, row.state, row.claim_id, row.worker_id)
        late = row.deadline is not None and row.deadline <= self.now
        return (*at, row.attempt, row.lost, row.pause_requested, row.available_at <= self.now, late)

    def _foretold_ticket(self, ticket: Ticket, ids: Mapping[int, str]) -> object:
        worker_id = self.worker_ids[ticket.worker] if ticket.worker >= 0 else None
        row = self._ticket()
        if ticket.worker == GONE and row is not None and row.worker_id not in {None, *self.worker_ids}:
            worker_id = row.worker_id  # the model has forgotten which of the lost ones it was
        claim_id = None if ticket.claim is None else ids[ticket.claim]
        at = (ticket.epoch, position_of(ticket.position), ticket.state, claim_id, worker_id)
        return (*at, ticket.attempt, ticket.lost, int(ticket.pause_requested), ticket.due, ticket.late)

    def _lease(self, worker_id: str) -> Lease:
        (row,) = (row for row in self.rows["workers"] if row.worker_id == worker_id)
        if row.state != "live":
            return Lease.LOST
        return Lease.LIVE if row.lease_until > self.now else Lease.OVER


def outputs(world: World) -> dict[str, str]:
    """Return the results that count in a world, by Lord: what the quest's state must be the fold of."""
    if not world.snapshots:
        return {}
    counted = {
        run.position: output_of(run.epoch, run.position)
        for epoch, limit in reversed(list(lineage(world.snapshots)))
        for run in world.runs
        if run.ended is Ended.SUCCESS and run.epoch == epoch and (run.version or 0) <= limit
    }
    return {LORDS[position - 1]: output for position, output in sorted(counted.items())}
