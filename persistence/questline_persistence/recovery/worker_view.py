"""A worker, and what it runs, as people are shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from questline_persistence.clock import rfc3339
from questline_persistence.states import WorkerState


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A step that a worker runs, and since when (epoch seconds)."""

    quest_id: str
    position: str
    handler: str
    claim_id: str
    claimed_at: float

    def to_json(self) -> dict[str, Any]:
        """Return the claim as JSON, its time as text."""
        return asdict(self) | {"claimed_at": rfc3339(self.claimed_at)}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a step: the step's position, the claim and its time (epoch seconds), and the worker process."""

    position: str
    claim_id: str
    worker_id: str
    claimed_at: float
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One incarnation of a worker process; times are epoch seconds.

    Parameters:
      worker_id: its name, new in each incarnation.
      namespace: the tenant.
      process_id: the name under which its supervisor knows it.
      host: the machine's name.
      pid: the system's number of the process.
      state: lost as soon as the lease is over, though no sweep may have come by yet.
      started_at: when it entered the register.
      lease_until: until when it counts as alive.
      heartbeat_at: when it last said that it is.
      ended_at: when it left, or was declared lost; None while it is alive.
      queues: what it listens to.
      handlers: the Lords that it knows, with their tools.
      threads: how many threads run steps.
      code_version: the version of the Lords' code, or "" where nobody has said.
      holding: how many steps it runs.
    """

    worker_id: str
    namespace: str
    process_id: str
    host: str
    pid: int
    state: WorkerState
    started_at: float
    lease_until: float
    heartbeat_at: float
    ended_at: float | None
    queues: tuple[str, ...]
    handlers: tuple[str, ...]
    threads: int
    code_version: str
    holding: int

    @property
    def live(self) -> bool:
        """Whether it is alive."""
        return self.state is WorkerState.LIVE

    def up_seconds(self, now: float) -> float:
        """Return how long it has been up at the time `now`, or was, in seconds."""
        return (self.ended_at or now) - self.started_at

    def heartbeat_age_seconds(self, now: float) -> float:
        """Return how long ago its last heartbeat was at the time `now`, in seconds."""
        return max(now - self.heartbeat_at, 0.0)

    def to_json(self, now: float, claims: Sequence[ClaimView] = ()) -> dict[str, Any]:
        """Return the worker as JSON, its times as texts.

        Parameters:
          now: the database's time.
          claims: the steps that it runs, or the first of them.
        """
        return {
            "worker_id": self.worker_id,
            "namespace": self.namespace,
            "state": str(self.state),
            "host": self.host,
            "pid": self.pid,
            "process_id": self.process_id,
            "started_at": rfc3339(self.started_at),
            "ended_at": None if self.ended_at is None else rfc3339(self.ended_at),
            "up_seconds": self.up_seconds(now),
            "heartbeat_at": rfc3339(self.heartbeat_at),
            "heartbeat_age_seconds": self.heartbeat_age_seconds(now),
            "lease_ends_at": rfc3339(self.lease_until),
            "threads": self.threads,
            "queues": list(self.queues),
            "handlers": list(self.handlers),
            "code_version": self.code_version,
            "holding": self.holding,
            "claims": [claim.to_json() for claim in claims],
        }
