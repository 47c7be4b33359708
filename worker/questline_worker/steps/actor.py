"""The one actor: runs whatever step its doorbell names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dramatiq

from questline_persistence.claims import Outcome
from questline_scheduler.doorbells import ACTOR_NAME, DoorbellBroker
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep

#: Keeps Dramatiq's own time limit and retries away, should somebody add those middlewares to the broker: an
#: exception thrown into the thread after our commit would make a finished step look failed.
_OPTIONS: dict[str, Any] = {"time_limit": float("inf"), "max_retries": 0}


def declare_actor(
    broker: DoorbellBroker, call: Callable[[RunningStep], Outcome | Pending], queues: Sequence[str]
) -> dramatiq.Actor[Any, Any]:
    """Declare `run_step` on `broker`, listening to `queues`; the middleware must have been added before."""
    actor: dramatiq.Actor[Any, Any] = dramatiq.Actor(
        call, broker=broker, actor_name=ACTOR_NAME, queue_name=queues[0], priority=0, options=dict(_OPTIONS)
    )
    for queue in queues:
        broker.declare_queue(queue)
    return actor
