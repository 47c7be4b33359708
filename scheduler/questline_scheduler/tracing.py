"""Spans of OpenTelemetry, where a program has set up an SDK; nothing of it is imported, or paid for, where none has.

A quest carries the trace that it belongs to as a label, `traceparent`, in the form of W3C. Whoever submits a quest may
give it: so a producer in any language has its trace go on in the steps.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from questline_persistence.models import MAX_LABELS, QuestExecutionData

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

#: The label that carries the trace.
TRACEPARENT = "traceparent"


def tracer() -> Tracer | None:
    """Return what makes spans, or None where no SDK has been set up in this process."""
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    provider = api.get_tracer_provider()
    if isinstance(provider, (api.ProxyTracerProvider, api.NoOpTracerProvider)):
        return None
    found: Tracer = provider.get_tracer("questline", _version())
    return found


def traced(quest: QuestExecutionData) -> QuestExecutionData:
    """Return a quest that is to be submitted, with the present trace as a label, and tell the trace of it by a span.

    A quest that has such a label keeps it, and one with as many labels as there may be gets none.

    Parameters:
      quest: the quest.
    """
    found = tracer()
    if found is None or TRACEPARENT in quest.labels or len(quest.labels) >= MAX_LABELS:
        return quest
    from opentelemetry.trace import SpanKind  # noqa: PLC0415  (it is loaded where there is an SDK)
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    attributes = {"questline.quest_id": quest.quest_id, "questline.quest_type": quest.quest_type}
    with found.start_as_current_span(f"submit {quest.quest_type}", kind=SpanKind.PRODUCER, attributes=attributes):
        TraceContextTextMapPropagator().inject(carrier)
    if TRACEPARENT not in carrier:
        return quest
    return quest.model_copy(update={"labels": {**quest.labels, TRACEPARENT: carrier[TRACEPARENT]}})


@lru_cache(maxsize=1)
def _version() -> str:
    return version("questline")
