"""A Lord whose steps are handed over, and what is seen of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dramatiq
from dramatiq.middleware import Middleware, SkipMessage

from questline_scheduler.doorbells import HandedMessage
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Pool

#: Steps of a quest that is long enough to be handed over, whatever the consumers do meanwhile.
MANY = 50


Place = tuple[str, str]  # quest and position


class Watch(Middleware):
    """Notes what goes through Dramatiq's middleware."""

    def __init__(self) -> None:
        self.before: list[Place] = []
        self.after: list[Place] = []
        self.handed: set[Place] = set()
        self.refused: Callable[[Place], bool] = lambda _: False

    def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:  # noqa: ARG002  (Dramatiq's signature)
        place = _place(message)
        if isinstance(message, HandedMessage):
            self.handed.add(place)
            if self.refused(place):
                raise SkipMessage
        self.before.append(place)

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002  (as above)
        message: Any,
        *,
        result: object = None,  # noqa: ARG002  (as above)
        exception: BaseException | None = None,
    ) -> None:
        assert exception is None
        self.after.append(_place(message))

    def was_handed(self, context: LordContext) -> bool:
        return (context.quest_id, context.position) in self.handed


def _place(message: Any) -> Place:
    return message.kwargs["quest_id"], message.kwargs["position"]


class Stage:
    """Lord `a`, who stops at a gate in the first step that was handed over to him, if the gate was closed."""

    def __init__(self, pool: Pool) -> None:
        self.watch, self.ran, self.begun = Watch(), list[Place](), threading.Event()
        self.gate = pool.gate()
        self.gate.set()

        @lord("a", "work")
        def work(context: LordContext) -> str:
            self.ran.append((context.quest_id, context.position))
            if self.watch.was_handed(context) and not self.gate.is_set():
                self.begun.set()
                self.gate.wait()
            return context.position

    def close_gate(self) -> None:
        self.gate.clear()

    def wait_for_begin(self) -> Place:
        assert self.begun.wait(LONG), "no step was handed over"
        return self.ran[-1]
