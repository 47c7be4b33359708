"""A span of OpenTelemetry around each handler, in the trace that its quest carries, where there is an SDK."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextvars import Context
from typing import TYPE_CHECKING

from structlog.contextvars import bind_contextvars

from questline_persistence.claims import Claim, Failed, Outcome
from questline_persistence.errors import QuestNotFound, StoreUnavailable
from questline_persistence.records import QuestRepository
from questline_scheduler.tracing import TRACEPARENT, tracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span

#: Most quests whose trace a process remembers; another is looked up again.
MAX_REMEMBERED = 10_000
#: Longest description of an error in a span, in characters.
MAX_DESCRIPTION = 200


class StepSpan:
    """The span of one step, or none.

    Parameters:
      claim: the hold on the step.
      span: the span; None where there is no SDK.
    """

    __slots__ = ("_claim", "_span")

    def __init__(self, claim: Claim, span: Span | None = None) -> None:
        self._claim = claim
        self._span = span

    def ended(self, outcome: Outcome) -> Outcome:
        """End the span as the step has ended, and return the outcome."""
        if self._span is not None:
            _end(self._span, outcome, self._claim)
        return outcome


class Tracing:
    """Begins the spans of steps.

    A quest's trace is read once by each process that runs its steps, and only where there is an SDK.

    Parameters:
      repository: where quests are read.
    """

    def __init__(self, repository: QuestRepository) -> None:
        self._repository = repository
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._knowing = threading.Lock()

    def begin(self, claim: Claim, context: Context) -> StepSpan:
        """Begin the span of a step, and make it the present one of its handler.

        Parameters:
          claim: the hold on the step.
          context: the context variables that its handler will see.
        """
        found = tracer()
        if found is None:
            return StepSpan(claim)
        from opentelemetry.context import attach  # noqa: PLC0415  (it is loaded where there is an SDK)
        from opentelemetry.trace import SpanKind, set_span_in_context  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier = {TRACEPARENT: self._traceparent(claim.quest_id) or ""}
        parent = TraceContextTextMapPropagator().extract(carrier)
        span = found.start_span(
            f"{claim.lord_name}:{claim.tool_name}", parent, SpanKind.CONSUMER, attributes=_attributes(claim)
        )
        context.run(attach, set_span_in_context(span))
        context.run(bind_contextvars, trace_id=f"{span.get_span_context().trace_id:032x}")
        return StepSpan(claim, span)

    def _traceparent(self, quest_id: str) -> str | None:
        """Return the trace that a quest carries, if it does and can be read."""
        with self._knowing:
            if quest_id in self._known:
                return self._known[quest_id]
        try:
            found = self._repository.glance(quest_id).labels.get(TRACEPARENT)
        except (StoreUnavailable, QuestNotFound):
            return None
        with self._knowing:
            self._known[quest_id] = found
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return found


def _attributes(claim: Claim) -> dict[str, str | int]:
    return {
        "questline.quest_id": claim.quest_id,
        "questline.quest_type": claim.quest_type,
        "questline.namespace": claim.namespace,
        "questline.epoch": claim.epoch,
        "questline.position": claim.position,
        "questline.attempt": claim.attempt,
        "questline.queue": claim.queue,
        "questline.worker_id": claim.worker_id,
    }


def _end(span: Span, outcome: Outcome, claim: Claim) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415  (as above)

    span.set_attribute("questline.outcome", type(outcome).__name__.lower())
    if isinstance(outcome, Failed):
        description = claim.tellable(outcome.error.partition("\n")[0][:MAX_DESCRIPTION])
        span.set_status(Status(StatusCode.ERROR, description))
    span.end()
